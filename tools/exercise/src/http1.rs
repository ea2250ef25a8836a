//! Just enough HTTP/1.1 to pass requests of the AWS SDK on, and to break off wherever a fault wants it: messages with a
//! `Content-Length`, one after the other on a connection.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Far more than DynamoDB answers.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
const READ_BYTES: usize = 16 * 1024;

/// A request or a response, byte for byte.
#[derive(Debug)]
pub(crate) struct Message {
    bytes: Vec<u8>,
    head_bytes: usize,
}

impl Message {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.bytes[..self.head_bytes], name)
    }

    /// The body.
    pub(crate) fn body(&self) -> &[u8] {
        &self.bytes[self.head_bytes..]
    }
}

/// A connection with what was read of the next message.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, read: Vec::new() }
    }

    /// The next message; `None` if the other side closed between two.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Message>> {
        loop {
            if let Some(head_bytes) = end_of_head(&self.read) {
                let body_bytes = match header(&self.read[..head_bytes], "content-length") {
                    Some(length) => length.parse().map_err(|_| malformed("no number as Content-Length"))?,
                    None if header(&self.read[..head_bytes], "transfer-encoding").is_some() => {
                        return Err(malformed("Transfer-Encoding is not understood"));
                    }
                    None => 0,
                };
                let all_bytes = head_bytes + body_bytes;
                if self.read.len() >= all_bytes {
                    let rest = self.read.split_off(all_bytes);
                    let bytes = std::mem::replace(&mut self.read, rest);
                    return Ok(Some(Message { bytes, head_bytes }));
                }
            }
            if self.read.len() > MESSAGE_BYTES_MAX {
                return Err(malformed("a message is too long"));
            }
            let mut some = [0; READ_BYTES];
            match self.stream.read(&mut some).await? {
                0 if self.read.is_empty() => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.read.extend_from_slice(&some[..count]),
            }
        }
    }

    /// Passes a message on as it is.
    pub(crate) async fn send(&mut self, message: &Message) -> io::Result<()> {
        self.stream.write_all(&message.bytes).await
    }

    /// Answers with a JSON body of our own.
    pub(crate) async fn answer(&mut self, status: &str, body: &str) -> io::Result<()> {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all((head + body).as_bytes()).await
    }

    /// Waits until the other side gives up.
    pub(crate) async fn closed(&mut self) {
        let mut some = [0; 64];
        while matches!(self.stream.read(&mut some).await, Ok(1..)) {}
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let head = std::str::from_utf8(head).ok()?;
    head.split("\r\n").skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
