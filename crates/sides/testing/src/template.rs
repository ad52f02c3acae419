//! A migrated database that tests are cloned from, made once for each state of the migrations.

use ::database::{Connection, DatabaseUrl, chain};
use diesel::sql_types::{Bool, Text};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use migrate::Migration;
use tokio::sync::OnceCell;

use crate::server::Server;

const PREFIX: &str = "sides_template_";

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    usable: bool,
}

/// What a test's database has: the chassis' migrations, and those in the folder `migrations` of the package under test or
/// of a folder above it, which are the application's.
///
/// # Panics
/// When they cannot be read.
#[must_use]
pub fn migrations() -> Vec<Migration> {
    // Cargo runs a test in its package's folder.
    let here = std::env::current_dir().expect("a test has a folder");
    let own = here.ancestors().map(|above| above.join("migrations")).find(|folder| folder.is_dir());
    let own =
        own.map(|folder| Migration::read_all(&folder).expect("the application's migrations can be read"));
    migrate::with_chassis(own.unwrap_or_default()).expect("no two migrations have one version")
}

/// The template's name; made when it does not exist.
pub(crate) async fn template(server: &Server) -> &'static str {
    static NAME: OnceCell<String> = OnceCell::const_new();
    NAME.get_or_init(|| ensure(&server.url)).await
}

async fn ensure(url: &DatabaseUrl) -> String {
    let migrations = migrations();
    let digest = migrate::fingerprint(&migrations);
    let name = format!("{PREFIX}{}", &digest[..16]);
    let mut connection = ::database::connect(url).await.expect("the test server answers");
    if is_usable(&mut connection, &name).await {
        return name;
    }
    // Held by this session: others wait until the template is whole, or its maker has died.
    let lock = format!("SELECT pg_advisory_lock(hashtext('{name}'))");
    connection.batch_execute(&lock).await.expect("an advisory lock can be had");
    if !is_usable(&mut connection, &name).await {
        make(&mut connection, url, &name, &migrations).await;
    }
    name
}

async fn make(connection: &mut Connection, url: &DatabaseUrl, name: &str, migrations: &[Migration]) {
    // One that its maker left unfinished is in the way.
    for statement in
        [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")]
    {
        connection.batch_execute(&statement).await.expect("the test server's user may create databases");
    }
    if let Err(error) = migrate::up(&url.with_database(name), migrations).await {
        panic!("the migrations do not apply to an empty database: {}", chain(&error));
    }
    // Only now: what is not a template is not whole. Without connections, clones never wait for one.
    connection
        .batch_execute(&format!("ALTER DATABASE {name} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false"))
        .await
        .expect("the test server's user owns the template");
}

async fn is_usable(connection: &mut Connection, name: &str) -> bool {
    let found: Vec<Found> = diesel::sql_query(
        "SELECT datistemplate AND NOT datallowconn AS usable FROM pg_database WHERE datname = $1",
    )
    .bind::<Text, _>(name)
    .load(connection)
    .await
    .expect("the catalogue can be read");
    found.iter().any(|found| found.usable)
}
