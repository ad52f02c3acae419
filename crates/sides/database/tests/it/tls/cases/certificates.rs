//! What the server's certificate says, and whether it is believed.

use super::{Case, Outcome::Encrypted, case, refused};

/// A certificate of the authority, for `localhost` or not.
pub(super) fn named(is_for_it: bool) -> Vec<Case> {
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

pub(super) fn expired() -> Vec<Case> {
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

pub(super) fn signed_by_itself(is_current: bool) -> Vec<Case> {
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

pub(super) fn wild() -> Vec<Case> {
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

pub(super) fn address() -> Vec<Case> {
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
