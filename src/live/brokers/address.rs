//! Addresses of brokers as text: `scheme://user:password@host:port/path`.

use super::{Address, Secret};
use std::str::FromStr;

/// Why a text is no address. Holds nothing of the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Without a scheme.
    #[error("an address starts with a scheme")]
    Scheme,
    /// Without a host.
    #[error("an address names a host")]
    Host,
    /// With something else than a port behind the colon.
    #[error("the port of an address is a number from 1 to 65535")]
    Port,
    /// With an at sign in the path, which a slash in a password makes of it.
    #[error("a slash or an at sign in a user, a password or a path is written %2F or %40")]
    At,
    /// With a question mark or a hash behind the path, where others have settings and sometimes secrets.
    #[error("an address has no settings behind ? or #; in a path they are written %3F and %23")]
    Settings,
    /// With a percent sign that does not begin two hexadecimal digits.
    #[error(
        "a percent sign in an address is followed by two hexadecimal digits, as in %2F for a slash"
    )]
    Percent,
}

/// User, password and path may be percent-encoded.
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
        if scheme.is_empty() {
            return Err(AddressError::Scheme);
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if path.contains('@') {
            return Err(AddressError::At);
        }
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        if place.contains(['?', '#']) || path.contains(['?', '#']) {
            return Err(AddressError::Settings);
        }
        let (host, port) = host_and_port(place)?;
        let (user, password) = match login
            .map(|l| l.split_once(':').map_or((l, None), |(u, p)| (u, Some(p))))
        {
            Some((user, password)) => (Some(decoded(user)?), password.map(decoded).transpose()?),
            None => (None, None),
        };
        Ok(Address {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port,
            user,
            password: password.map(Secret::new),
            path: decoded(path)?,
        })
    }
}

/// `host`, `host:port`, `[::1]` or `[::1]:port`.
fn host_and_port(place: &str) -> Result<(&str, Option<u16>), AddressError> {
    let (host, port) = match place.strip_prefix('[').and_then(|p| p.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (
            host,
            Some(port.strip_prefix(':').ok_or(AddressError::Port)?),
        ),
        None => place
            .split_once(':')
            .map_or((place, None), |(h, p)| (h, Some(p))),
    };
    if host.is_empty() {
        return Err(AddressError::Host);
    }
    let number = |port: &str| match port.parse() {
        Ok(0) | Err(_) => Err(AddressError::Port),
        Ok(port) => Ok(port),
    };
    Ok((host, port.map(number).transpose()?))
}

/// A path as it is written in an address.
pub(super) fn encoded(path: &str) -> String {
    let letter = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(letter).collect()
}

fn decoded(text: &str) -> Result<String, AddressError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let digit = |i: usize| after.get(i).and_then(|&d| (d as char).to_digit(16));
            let (Some(high), Some(low)) = (digit(0), digit(1)) else {
                return Err(AddressError::Percent);
            };
            bytes.push((high * 16 + low) as u8);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).map_err(|_| AddressError::Percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Address {
        text.parse().expect(text)
    }

    #[test]
    fn every_part_is_read() {
        let address = read("amqp://me:a%40b@example.org:5673/%2Forders");
        assert_eq!(address.scheme, "amqp");
        assert_eq!(address.host, "example.org");
        assert_eq!(address.port, Some(5673));
        assert_eq!(address.user.as_deref(), Some("me"));
        assert_eq!(address.password.as_ref().map(Secret::reveal), Some("a@b"));
        assert_eq!(address.path, "/orders");
    }

    #[test]
    fn most_parts_may_be_left_out() {
        let address = read("tcp://127.0.0.1");
        assert_eq!(
            (address.port, address.user, address.password),
            (None, None, None)
        );
        assert_eq!(address.path, "");
        assert_eq!(read("tcp://[::1]:7/").port, Some(7));
        assert_eq!(read("tcp://[::1]").host, "::1");
        assert_eq!(read("tcp://u@h").user.as_deref(), Some("u"));
    }

    #[test]
    fn it_is_shown_as_it_can_be_written_again_without_the_login() {
        let cases = [
            (
                "amqp://me:se%2Fcret@h:5673/%2Forders",
                "amqp://h:5673/%2Forders",
            ),
            ("amqp://[::1]:5673", "amqp://[::1]:5673"),
            ("amqp://me@h/caf%c3%a9", "amqp://h/caf%C3%A9"),
        ];
        for (text, shown) in cases {
            let address = read(text);
            assert_eq!(
                (address.to_string(), format!("{address:?}")),
                (shown.to_owned(), shown.to_owned())
            );
            let again = Address {
                user: None,
                password: None,
                ..address
            };
            assert_eq!(read(shown), again);
        }
    }

    #[test]
    fn what_is_no_address_is_told() {
        let why = |text: &str| text.parse::<Address>().expect_err(text);
        assert_eq!(why("127.0.0.1:5672"), AddressError::Scheme);
        assert_eq!(why("://h"), AddressError::Scheme);
        assert_eq!(why("amqp://"), AddressError::Host);
        assert_eq!(why("amqp://:5672"), AddressError::Host);
        assert_eq!(why("amqp://h:0"), AddressError::Port);
        assert_eq!(why("amqp://h:65536"), AddressError::Port);
        assert_eq!(why("amqp://[::1]5"), AddressError::Port);
        assert_eq!(why("amqp://u:50%@h"), AddressError::Percent);
        assert_eq!(why("amqp://h/%ff"), AddressError::Percent);
        assert_eq!(why("amqp://u:12/34@h"), AddressError::At);
        assert_eq!(why("amqp://h/v?password=x"), AddressError::Settings);
        assert_eq!(why("amqp://h#x"), AddressError::Settings);
    }
}
