//! The addresses, by the certificate that the server shows meanwhile.

/// How an address ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Encrypted,
    Plain,
    Refused,
}

use Outcome::{Encrypted, Plain, Refused};

#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) address: &'static str,
    pub(super) variables: &'static [(&'static str, &'static str)],
    pub(super) home: &'static str,
    pub(super) ours: Outcome,
    /// What psql does, where that is another thing.
    pub(super) theirs: Option<Outcome>,
    /// A part of what ours says.
    pub(super) says: &'static str,
}

impl Case {
    const fn with(mut self, variables: &'static [(&'static str, &'static str)]) -> Self {
        self.variables = variables;
        self
    }

    const fn at(mut self, home: &'static str) -> Self {
        self.home = home;
        self
    }

    /// On purpose another outcome than psql's.
    const fn unlike(mut self, theirs: Outcome) -> Self {
        self.theirs = Some(theirs);
        self
    }
}

const fn case(address: &'static str, ours: Outcome) -> Case {
    Case { address, variables: &[], home: "{dir}/home", ours, theirs: None, says: "" }
}

const fn refused(address: &'static str, says: &'static str) -> Case {
    Case { says, ..case(address, Refused) }
}

pub(super) fn by_certificate() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("good", [modes(), files(), clients(), passwords(), several()].concat()),
        ("manual", named(true)),
        ("manual-elsewhere", named(false)),
        ("manual-expired", expired()),
        ("common", named(true)),
        ("common-elsewhere", named(false)),
        ("expired", expired()),
        ("self", signed_by_itself(true)),
        ("self-expired", signed_by_itself(false)),
        ("chain", named(true)),
        ("ed25519", named(true)),
        ("p384", named(true)),
        ("wild", wild()),
        ("address", address()),
    ]
}

fn modes() -> Vec<Case> {
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

fn files() -> Vec<Case> {
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

fn clients() -> Vec<Case> {
    vec![
        case(
            "host=localhost port={port} user=known dbname=sides sslcert={dir}/known.crt sslkey={dir}/known.key",
            Encrypted,
        ),
        case(
            "host=localhost port={port} user=known dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt sslcert={dir}/known.crt sslkey={dir}/known-pkcs1.key",
            Encrypted,
        ),
        case("host=localhost port={port} user=known dbname=sides", Encrypted)
            .with(&[("PGSSLCERT", "{dir}/known.crt"), ("PGSSLKEY", "{dir}/known.key")]),
        case("host=localhost port={port} user=known dbname=sides sslmode=require", Encrypted)
            .at("{dir}/kept"),
        case(
            "host=localhost port={port} user=verified dbname=sides sslcert={dir}/verified.crt sslkey={dir}/verified.key",
            Encrypted,
        ),
        case(
            "host=localhost port={port} user=verified dbname=sides sslcert={dir}/verified.crt sslkey={dir}/verified-sec1.key",
            Encrypted,
        ),
        case(
            "host=localhost port={port} user=signed dbname=sides sslcert={dir}/verified.crt sslkey={dir}/verified.key",
            Encrypted,
        ),
        case(
            "host=localhost port={port} user=known dbname=sides sslcert={dir}/known.crt sslkey={dir}/known-der.key",
            Encrypted,
        ),
        // Without one, and with another's.
        refused(
            "host=localhost port={port} user=known dbname=sides sslmode=require",
            "write sslcert=file and sslkey=file",
        ),
        refused(
            "host=localhost port={port} user=verified dbname=sides sslmode=require",
            "write sslcert=file and sslkey=file",
        ),
        refused(
            "host=localhost port={port} user=verified dbname=sides sslmode=require sslcert={dir}/known.crt sslkey={dir}/known.key",
            "common name",
        ),
        refused(
            "host=localhost port={port} user=known dbname=sides sslmode=require sslcert={dir}/verified.crt sslkey={dir}/verified.key",
            "common name",
        ),
        refused(
            "host=localhost port={port} user=known dbname=sides sslmode=require sslcert={dir}/stranger.crt sslkey={dir}/stranger.key",
            "ssl_ca_file must hold",
        ),
        refused(
            "host=localhost port={port} user=known dbname=sides sslmode=require sslcert={dir}/late.crt sslkey={dir}/late.key",
            "has expired: renew it",
        ),
        refused(
            "host=localhost port={port} user=known dbname=sides sslmode=require sslcert={dir}/purpose.crt sslkey={dir}/purpose.key",
            "extendedKeyUsage=clientAuth",
        ),
        // Keys.
        refused(
            "host=localhost port={port} user=known dbname=sides sslmode=require sslcert={dir}/known.crt sslkey={dir}/known-open.key",
            "chmod 600",
        ),
        case(
            "host=localhost port={port} user=either dbname=sides sslcert={dir}/known.crt sslkey={dir}/known-open.key",
            Plain,
        ),
        refused(
            "host=localhost port={port} user=known dbname=sides sslcert={dir}/known.crt sslkey={dir}/known-open.key",
            "chmod 600",
        ),
        refused(
            "host=localhost port={port} user=known dbname=sides sslmode=require sslcert={dir}/known.crt sslkey={dir}/verified.key",
            "it is not the key of",
        ),
        refused(
            "host=localhost port={port} user=known dbname=sides sslmode=require sslcert={dir}/known.crt sslkey={dir}/known-encrypted.key",
            "it is encrypted",
        ),
        refused(
            "host=localhost port={port} user=known dbname=sides sslmode=require sslcert={dir}/known.crt sslkey={dir}/known-oldencrypted.key",
            "it is encrypted",
        ),
        refused(
            "host=localhost port={port} user=known dbname=sides sslmode=require sslcert={dir}/known.crt sslkey={dir}/missing.key",
            "missing.key",
        ),
        refused(
            "host=localhost port={port} user=known dbname=sides sslmode=require sslcert={dir}/known.crt",
            "belong together",
        ),
        // A file that is not asked for says nothing where TLS is not.
        case(
            "host=localhost port={plain} user=either dbname=sides sslcert={dir}/known.crt sslkey={dir}/known-open.key",
            Plain,
        ),
    ]
}

fn passwords() -> Vec<Case> {
    vec![
        case("postgres://word:a+b%20c@localhost:{port}/sides", Encrypted),
        case(
            "postgres://word:a+b%20c@localhost:{port}/sides?sslmode=require&channel_binding=require",
            Encrypted,
        ),
        refused(
            "postgres://word:a+b%20c@localhost:{port}/sides?sslmode=disable&channel_binding=require",
            "hannel binding",
        ),
        case(
            "host=localhost port={port} user=word dbname=sides password='a+b c' sslmode=verify-full sslrootcert={dir}/ca.crt",
            Encrypted,
        ),
        case("host=localhost port={port} user=word dbname=sides", Encrypted)
            .with(&[("PGPASSFILE", "{dir}/pass")]),
        case("host=localhost port={port} user=word dbname=sides passfile={dir}/pass sslmode=disable", Plain),
        case("host=localhost port={port} user=word dbname=sides", Encrypted).with(&[("PGPASSWORD", "a+b c")]),
        case(
            "host=127.0.0.1,localhost port={plain},{port} user=word dbname=sides passfile={dir}/pass",
            Plain,
        ),
        refused(
            "host=localhost port={port} user=word dbname=sides",
            "asks for a password, and there is none",
        ),
        refused(
            "host=localhost port={port} user=word dbname=sides passfile={dir}/pass-open",
            "others may read it: chmod 600",
        ),
        refused(
            "host=localhost port={port} user=word dbname=sides password=wrong",
            "password authentication failed",
        ),
    ]
}

/// A server without TLS is passed over, and so is one whose certificate is wrong, as one that does not answer. psql of
/// Postgres 15 asks nobody else then.
fn several() -> Vec<Case> {
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

/// A certificate of the authority, for `localhost` or not.
fn named(is_for_it: bool) -> Vec<Case> {
    let full =
        "host=localhost port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt";
    let full = if is_for_it {
        case(full, Encrypted)
    } else {
        refused(full, "is for other.example: write that name")
    };
    vec![
        full,
        case(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-ca sslrootcert={dir}/ca.crt",
            Encrypted,
        ),
        case(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-ca sslrootcert={dir}/ca.crt ssl_max_protocol_version=TLSv1.2",
            Encrypted,
        ),
        case("host=localhost port={port} user=tls dbname=sides sslmode=require", Encrypted),
        case(
            "host=localhost port={port} user=tls dbname=sides sslmode=require ssl_max_protocol_version=TLSv1.2",
            Encrypted,
        ),
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-ca sslrootcert={dir}/other.crt",
            "signed by nobody in",
        ),
        case("host=localhost port={port} user=tls dbname=sides", Encrypted),
    ]
}

fn expired() -> Vec<Case> {
    vec![
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt",
            "has expired: renew it there",
        ),
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-ca sslrootcert={dir}/ca.crt",
            "has expired: renew it there",
        ),
        case("host=localhost port={port} user=tls dbname=sides sslmode=require", Encrypted),
    ]
}

fn signed_by_itself(is_current: bool) -> Vec<Case> {
    if is_current {
        return vec![
            case(
                "host=localhost port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/self.crt",
                Encrypted,
            ),
            case(
                "host=localhost port={port} user=tls dbname=sides sslmode=verify-ca sslrootcert={dir}/self.crt",
                Encrypted,
            ),
            refused(
                "host=127.0.0.1 port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/self.crt",
                "is for localhost",
            ),
            refused(
                "host=localhost port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt",
                "signed by nobody in",
            ),
            case("host=localhost port={port} user=tls dbname=sides sslmode=require", Encrypted),
        ];
    }
    vec![
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/self-expired.crt",
            "expired",
        ),
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-ca sslrootcert={dir}/self-expired.crt",
            "expired",
        ),
        case("host=localhost port={port} user=tls dbname=sides sslmode=require", Encrypted),
    ]
}

fn wild() -> Vec<Case> {
    vec![
        case(
            "host=one.db.example hostaddr=127.0.0.1 port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt",
            Encrypted,
        ),
        refused(
            "host=a.one.db.example hostaddr=127.0.0.1 port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt",
            "is for *.db.example",
        ),
        refused(
            "host=db.example hostaddr=127.0.0.1 port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt",
            "is for *.db.example",
        ),
    ]
}

fn address() -> Vec<Case> {
    vec![
        case(
            "host=127.0.0.1 port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt",
            Encrypted,
        ),
        refused(
            "host=localhost port={port} user=tls dbname=sides sslmode=verify-full sslrootcert={dir}/ca.crt",
            "is for 127.0.0.1",
        ),
    ]
}
