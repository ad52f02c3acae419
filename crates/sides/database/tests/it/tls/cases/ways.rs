//! The ways to a server: modes, files with authorities, several hosts.

use super::{
    Case,
    Outcome::{Encrypted, Plain, Refused},
    case, refused,
};

pub(super) fn modes() -> Vec<Case> {
    vec![
        case("host=localhost port={port} user=either dbname=sides", Encrypted),
        case("host=localhost port={port} user=either dbname=sides sslmode=disable", Plain),
        case("host=localhost port={port} user=either dbname=sides sslmode=allow", Plain),
        case("host=localhost port={port} user=either dbname=sides sslmode=prefer", Encrypted),
        case("host=localhost port={port} user=either dbname=sides sslmode=require", Encrypted),
        case("postgres://either@localhost:{port}/sides?sslmode=require", Encrypted),
        case("postgres://either@localhost:{port}/sides?ssl=true", Encrypted),
        case("host=localhost port={port} user=either dbname=sides", Plain).with(&[("PGSSLMODE", "disable")]),
        // Those who may come one way only.
        case("host=localhost port={port} user=tls dbname=sides sslmode=allow", Encrypted),
        refused("host=localhost port={port} user=tls dbname=sides sslmode=disable", "sslmode=require"),
        case("host=localhost port={port} user=plain dbname=sides sslmode=prefer", Plain),
        refused("host=localhost port={port} user=plain dbname=sides sslmode=require", "SSL encryption"),
        refused("host=localhost port={port} user=nobody dbname=sides", "with TLS: "),
        // A server without TLS.
        refused(
            "host=localhost port={plain} user=nobody dbname=sides",
            "sides: the server did not accept the connection",
        ),
        case("host=localhost port={plain} user=either dbname=sides", Plain),
        case("host=localhost port={plain} user=either dbname=sides sslmode=allow", Plain),
        refused("host=localhost port={plain} user=either dbname=sides sslmode=require", "set ssl = on there"),
        refused(
            "host=localhost port={plain} user=either dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt",
            "set ssl = on there",
        ),
        // A socket has none.
        case("host={socket} port={port} user=postgres dbname=sides sslmode=require", Plain),
        case(
            "host={socket} port={port} user=postgres dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt",
            Plain,
        ),
        // Versions.
        case("host=localhost port={port} user=tls dbname=sides ssl_max_protocol_version=TLSv1.2", Encrypted),
        case("host=localhost port={port} user=tls dbname=sides ssl_min_protocol_version=TLSv1.3", Encrypted),
        // Another server's address under a name that the certificate is for.
        case(
            "host=db.example hostaddr=127.0.0.1 port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt",
            Encrypted,
        ),
        // An address that the certificate is for is as good as a name.
        case(
            "hostaddr=127.0.0.1 port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt",
            Encrypted,
        ).unlike(Refused),
    ]
}

pub(super) fn files() -> Vec<Case> {
    vec![
        case(
            "host=localhost port={port} user=tls dbname=sides sslmode=require sslrootcert={dir}/ca.crt",
            Encrypted,
        ),
        case(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-ca sslrootcert={dir}/ca.crt",
            Encrypted,
        ),
        case("postgres://tls@localhost:{port}/sides?sslmode=verify-full&sslrootcert={dir}/ca.crt", Encrypted),
        case("host=localhost port={port} user=tls dbname=sides sslmode=verify-full", Encrypted)
            .with(&[("PGSSLROOTCERT", "{dir}/ca.crt")]),
        case("host=localhost port={port} user=tls dbname=sides sslmode=verify-full", Encrypted)
            .at("{dir}/kept"),
        case("host=localhost port={port} user=tls dbname=sides sslmode=verify-ca", Encrypted)
            .at("{dir}/kept"),
        // Another authority.
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=require sslrootcert={dir}/other.crt",
            "other.crt: write sslrootcert",
        ),
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-ca sslrootcert={dir}/other.crt",
            "signed by nobody in",
        ),
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/other.crt",
            "signed by nobody in",
        ),
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-full",
            "signed by nobody in",
        )
        .with(&[("PGSSLROOTCERT", "{dir}/other.crt")]),
        // None.
        refused("host=localhost port={port} user=tls dbname=sides sslmode=verify-ca", "sslrootcert=file"),
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-full",
            "whom this machine trusts",
        ),
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/nothing.crt",
            "it holds no certificate",
        ),
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/missing.crt",
            "missing.crt",
        ),
        // A file that is named and missing is not passed over: what it should have proved would not be.
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=require sslrootcert={dir}/missing.crt",
            "missing.crt",
        )
        .unlike(Encrypted),
        // The machine's own. psql of Postgres 15 does not know the word.
        case(
            "host=localhost port={port} user=tls dbname=sides sslrootcert=system sslmode=verify-full",
            Encrypted,
        )
        .with(&[("SSL_CERT_FILE", "{dir}/ca.crt")])
        .unlike(Refused),
        refused(
            "host=localhost port={port} user=tls dbname=sides sslrootcert=system",
            "whom this machine trusts",
        )
        .unlike(Encrypted),
        refused(
            "host=localhost port={port} user=tls dbname=sides sslrootcert=system sslmode=require",
            "write sslmode=verify-full",
        )
        .unlike(Encrypted),
    ]
}

/// A server without TLS is passed over, and so is one whose certificate is wrong, as one that does not answer. psql of
/// Postgres 15 asks nobody else then.
pub(super) fn several() -> Vec<Case> {
    vec![
        case(
            "host=localhost,localhost port={plain},{port} user=either dbname=sides sslmode=require",
            Encrypted,
        ).unlike(Refused),
        case(
            "postgres://either@localhost:{plain},localhost:{port}/sides?sslmode=verify-full&sslrootcert={dir}/ca.crt",
            Encrypted,
        ).unlike(Refused),
        case("host=localhost,localhost port={plain},{port} user=either dbname=sides", Plain),
        case(
            "host=wrong.example,localhost hostaddr=127.0.0.1,127.0.0.1 port={port},{port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt",
            Encrypted,
        ).unlike(Refused),
        case(
            "host=localhost,localhost port=1,{port} user=tls dbname=sides sslmode=verify-ca sslrootcert={dir}/ca.crt",
            Encrypted,
        ),
        refused(
            "host=localhost,localhost port={plain},{port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/other.crt",
            "signed by nobody in",
        ),
    ]
}
