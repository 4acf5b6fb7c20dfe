//! Which function a connection is of. The local AWS gives all of them the same credentials, so the kernel is asked which
//! process has the other end, and that process's environment what it is called. Linux only, as the local AWS is.

use std::fs;
use std::net::SocketAddr;

/// How a function is called, in its environment.
const NAME: &str = "AWS_LAMBDA_FUNCTION_NAME=";

/// The function whose connection from `peer` to `door` this is, or the test's own (`None`).
pub(super) fn function_at(peer: SocketAddr, door: SocketAddr) -> Option<String> {
    let socket = format!("socket:[{}]", inode(peer, door)?);
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.map(|process| process.path()).find_map(|process| {
        let environment = fs::read(process.join("environ")).ok()?;
        let mut variables = environment.split(|byte| *byte == 0);
        let name = variables.find_map(|variable| variable.strip_prefix(NAME.as_bytes()))?;
        let mut files = fs::read_dir(process.join("fd")).ok()?.flatten();
        files
            .any(|file| fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == &*socket))
            .then(|| String::from_utf8_lossy(name).into_owned())
    })
}

/// The kernel's number of the socket of this connection. Connections to different doors may come from the same port.
fn inode(from: SocketAddr, to: SocketAddr) -> Option<String> {
    let shown = |address: SocketAddr| {
        let SocketAddr::V4(address) = address else { return None };
        let ip = u32::from_ne_bytes(address.ip().octets());
        Some(format!("{ip:08X}:{:04X}", address.port()))
    };
    let wanted = [shown(from)?, shown(to)?];
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let line = table.lines().find(|line| {
        let columns = line.split_whitespace().skip(1);
        columns.take(2).eq(wanted.iter().map(String::as_str))
    })?;
    line.split_whitespace().nth(9).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_connection_is_of_the_function_whose_process_it_is() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let port = address.port();
        let _own = TcpStream::connect(("127.0.0.1", port)).unwrap();
        assert_eq!(function_at(listener.accept().unwrap().1, address), None);
        let mut function = Command::new("bash")
            .args(["-c", &format!("exec 3<>/dev/tcp/127.0.0.1/{port}; read -r _")])
            .env("AWS_LAMBDA_FUNCTION_NAME", "guard-keeper")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let (_stream, peer) = listener.accept().unwrap();
        assert_eq!(function_at(peer, address).as_deref(), Some("guard-keeper"));
        drop(function.stdin.take());
        function.wait().unwrap();
    }
}
