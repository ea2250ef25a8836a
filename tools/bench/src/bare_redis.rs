//! A bare client of Redis, which does no more than `redis-benchmark`: it writes a command and reads the answer.

use std::net::SocketAddr;

use kit::Failure;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// A connection, which is made when it is first used.
pub(crate) struct BareRedis {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl BareRedis {
    /// Connects to nothing yet. `url` is like `redis://127.0.0.1:6379`.
    pub(crate) fn new(url: &str) -> Result<Self, Failure> {
        let address = url.trim_start_matches("redis://").trim_end_matches('/').parse()?;
        Ok(Self { address, stream: None })
    }

    /// Sends a command; answers with the first text in the answer.
    pub(crate) async fn ask(&mut self, command: &[&str]) -> Result<String, Failure> {
        let mut bytes = format!("*{}\r\n", command.len());
        for word in command {
            bytes += &format!("${}\r\n{word}\r\n", word.len());
        }
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(BufReader::new(stream));
        }
        let stream = self.stream.as_mut().ok_or("not connected")?;
        stream.write_all(bytes.as_bytes()).await?;
        read(stream).await
    }
}

/// Reads a whole answer, an array of texts and numbers or one of them, and tells its first text.
async fn read(stream: &mut BufReader<TcpStream>) -> Result<String, Failure> {
    let (mut left, mut first) = (1, None);
    let mut line = String::new();
    while left > 0 {
        left -= 1;
        line.clear();
        stream.read_line(&mut line).await?;
        let (kind, rest) = line.trim_end().split_at_checked(1).ok_or("Redis closed the connection")?;
        let text = match kind {
            "*" => {
                left += rest.parse::<usize>()?;
                continue;
            }
            "$" if rest != "-1" => {
                let mut text = vec![0; rest.parse::<usize>()? + 2];
                stream.read_exact(&mut text).await?;
                text.truncate(text.len() - 2);
                String::from_utf8(text)?
            }
            "-" => return Err(format!("Redis refused: {rest}").into()),
            _ => rest.to_owned(),
        };
        first.get_or_insert(text);
    }
    first.ok_or_else(|| "Redis answered nothing".into())
}
