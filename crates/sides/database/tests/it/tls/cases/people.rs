//! Who somebody is: client certificates, their keys, and passwords.

use super::{
    Case,
    Outcome::{Encrypted, Plain},
    case, refused,
};

pub(super) fn clients() -> Vec<Case> {
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

pub(super) fn passwords() -> Vec<Case> {
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
