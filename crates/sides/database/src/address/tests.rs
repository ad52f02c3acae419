use super::*;

fn url(text: &str) -> DatabaseUrl {
    DatabaseUrl::read(text, &|_| None).unwrap()
}

fn fault(text: &str) -> String {
    DatabaseUrl::read(text, &|_| None).unwrap_err().to_string()
}

fn config(url: &DatabaseUrl) -> tokio_postgres::Config {
    url.client_config(&url.servers().unwrap()[0]).unwrap()
}

#[test]
fn the_password_is_never_shown() {
    for text in [
        "postgres://ann:s3cret@db.example/app",
        "postgres://ann@db.example/app?password=s3cret",
        "host=db.example dbname=app user=ann password=s3cret",
    ] {
        let shown = format!("{0} {0:?}", url(text));
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("ann:***") && shown.contains("db.example"), "{shown}");
    }
    // A slash ends what is before the database: what looks like a port here is a part of the password.
    assert!(!fault("postgres://ann:s3cret/x@h/app").contains("s3cret"));
    assert!(!fault("postgres://ann:s3cret%zz@h/app").contains("s3cret"));
}

#[test]
fn a_plus_is_a_plus() {
    assert_eq!(config(&url("postgres://plus:a+b@127.0.0.1/app")).get_password(), Some(b"a+b".as_slice()));
    assert_eq!(config(&url("postgres://u@h/a+b?application_name=c+d")).get_application_name(), Some("c+d"));
    assert_eq!(config(&url("postgres://u@h/a%2Bb")).get_dbname(), Some("a+b"));
}

#[test]
fn a_role_is_set_beside_other_options() {
    let url = url("postgres://ann@h/app?options=-c%20statement_timeout%3D5s").with_role("sides_clock");
    assert_eq!(config(&url).get_options(), Some("-c statement_timeout=5s -c role=sides_clock"));
    assert_eq!(url.role(), Some("sides_clock"));
    let spaced = url.with_setting("application_name", "a b");
    assert!(config(&spaced).get_options().unwrap().ends_with(r"application_name=a\ b"));
}

#[test]
fn what_is_exposed_is_the_same_address() {
    for text in [
        "postgres://plus:a+b@127.0.0.1:5433/app?sslmode=verify-full&sslrootcert=/etc/rds.pem",
        "postgres://a:5432,b:5433/app?target_session_attrs=primary",
        "postgres://[::1]:5433,h/app",
        "postgres://u:p%40%2F%3A@%2Frun%2Fpg/a%20b?options=-c%20x%3Dy",
        "host=a,b port=5432 dbname=app user=ann password='it\\'s'",
        "postgres:///app?host=/run/postgres&hostaddr=10.0.0.1",
        "postgres:///app",
    ] {
        let url = url(text);
        assert_eq!(self::url(&url.expose()), url, "{text} -> {}", url.expose());
    }
}

#[test]
fn a_socket_folder_is_an_address_too() {
    let url = url("postgres://ann@localhost/app?host=/run/postgres");
    assert_eq!(url.database(), "app");
    assert_eq!(url.with_database("other").database(), "other");
    assert_eq!(config(&url).get_hosts(), [tokio_postgres::config::Host::Unix("/run/postgres".into())]);
}

#[test]
fn several_hosts_have_a_port_each_or_one_for_all() {
    let shown = |text: &str| {
        url(text).servers().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown("postgres://a:1,b:2/app"), "a:1 b:2");
    assert_eq!(shown("postgres://a,b:2/app"), "a:5432 b:2");
    assert_eq!(shown("host=a,b,c port=7 dbname=app"), "a:7 b:7 c:7");
    assert!(fault("host=a,b,c port=7,8 dbname=app").contains("3 hosts and 2 ports"));
}

#[test]
fn variables_stand_in_for_what_is_left_out() {
    let variables = |name: &str| match name {
        "PGPASSWORD" => Some("from-outside".to_owned()),
        "PGSSLROOTCERT" => Some("/etc/root.pem".to_owned()),
        "PGSSLMODE" => Some("verify-ca".to_owned()),
        "PGDATABASE" => Some("app".to_owned()),
        _ => None,
    };
    let read = |text: &str| DatabaseUrl::read(text, &variables).unwrap();
    assert_eq!(config(&read("postgres://ann@h")).get_password(), Some(b"from-outside".as_slice()));
    assert_eq!(read("postgres://ann@h").get("sslrootcert"), Some("/etc/root.pem"));
    assert_eq!(read("postgres://ann@h?sslmode=disable").tls_mode(), TlsMode::Disable);
    assert_eq!(config(&read("postgres://ann:own@h")).get_password(), Some(b"own".as_slice()));
    let wrong =
        DatabaseUrl::read("postgres://h/app", &|name| (name == "PGSSLMODE").then(|| "maybe".to_owned()));
    assert!(wrong.unwrap_err().to_string().contains("sslmode=maybe"));
}

#[test]
fn a_password_file_is_asked_for_each_host() {
    use std::os::unix::fs::PermissionsExt as _;
    let path = std::env::temp_dir().join(format!("passfile-{}", std::process::id()));
    std::fs::write(&path, "a:5432:app:ann:first\nb:6000:*:*:second\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let url = url(&format!("postgres://ann@a,b:6000/app?passfile={}", path.display()));
    let passwords = || -> Vec<_> {
        let servers = url.servers().unwrap();
        let all = servers.iter().map(|server| url.client_config(server).unwrap());
        all.map(|config| config.get_password().map(|text| String::from_utf8_lossy(text).into_owned()))
            .collect()
    };
    assert_eq!(passwords(), [Some("first".to_owned()), Some("second".to_owned())]);
    // Others may read it now: libpq leaves it alone.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(passwords(), [None, None]);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn each_fault_is_named() {
    for (text, expected) in [
        ("mysql://h/app", "is not an address"),
        ("h", "is not an address"),
        ("postgres://h", "names no database"),
        ("postgres://h/app?sslmode=maybe", "sslmode=maybe: allowed: disable, allow"),
        ("postgres://h/app?sslmode=no-verify", "write sslmode=require"),
        ("postgres://h/app?sslmode=verify_full", "write sslmode=verify-full"),
        ("postgres://h:99999/app", "not a number from 1 to 65535"),
        ("postgres://a,b/app?target_session_attrs=master", "write target_session_attrs=primary"),
        ("postgres://a,b/app?target_session_attrs=readwrite", "write target_session_attrs=read-write"),
        (
            "postgres://h/app?target_sesion_attrs=any",
            "unknown parameter target_sesion_attrs: write target_session_attrs",
        ),
        ("postgres://h/app?sslRootCert=x", "write sslrootcert"),
        ("postgres://h/app?sslca=x", "write sslrootcert=file"),
        ("postgres://h/app?schema=public", "search_path"),
        ("postgres://h/app?pgbouncer=true", "leave it out"),
        ("postgres://h/app?connection_limit=3", "DATABASE_POOL_SIZE"),
        ("postgres://h/app?connect_timeout=5s", "write a whole number"),
        ("postgres://h/app?zzzzzz=1", "unknown parameter zzzzzz: leave it out"),
        ("postgres://h/app?sslrootcert=system&sslmode=require", "verify-full"),
        ("postgres://h/app?hostaddr=h", "an IP address"),
    ] {
        let said = fault(text);
        assert!(said.contains(expected), "{text}: {said}");
    }
}

#[test]
fn sessions_are_to_write_unless_said_otherwise() {
    assert_eq!(url("postgres://h/app").target(), Target::ReadWrite);
    assert_eq!(url("postgres://h/app?target_session_attrs=any").target(), Target::Any);
    assert_eq!(url("postgres://h/app").with_target(Target::Standby).target(), Target::Standby);
}
