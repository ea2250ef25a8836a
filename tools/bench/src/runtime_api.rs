//! Lambda's side of a function: the Runtime API (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>), on
//! which the function's real program starts, asks for its next event, and answers.

use std::{
    convert::Infallible,
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use kit::Failure;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex, mpsc},
    time::timeout,
};

const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Every instance of a test has one, and a deadline that is far away.
const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
const DEADLINE_MS: &str = "4102444800000";

/// A running function.
pub(crate) struct Function {
    /// From starting its program until it asked for its first event.
    pub(crate) started_in: Duration,
    asked: mpsc::UnboundedReceiver<Instant>,
    events: mpsc::UnboundedSender<String>,
    answered: mpsc::UnboundedReceiver<(Instant, Bytes)>,
    program: Child,
}

/// What the function's requests are answered with and noted in.
struct Desk {
    asked: mpsc::UnboundedSender<Instant>,
    events: Mutex<mpsc::UnboundedReceiver<String>>,
    answered: mpsc::UnboundedSender<(Instant, Bytes)>,
}

impl Function {
    /// Starts a program as Lambda does.
    pub(crate) async fn start(program: &Path, settings: &[(&'static str, String)]) -> Result<Self, Failure> {
        Self::start_command(Command::new(program), settings).await
    }

    /// The same with a command that runs the program.
    pub(crate) async fn start_command(
        mut command: Command,
        settings: &[(&'static str, String)],
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (asks, mut asked) = mpsc::unbounded_channel();
        let (events, given) = mpsc::unbounded_channel();
        let (answers, answered) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk { asked: asks, events: Mutex::new(given), answered: answers });
        tokio::spawn(serve(listener, desk));

        command.env_clear().env("AWS_LAMBDA_RUNTIME_API", address).envs(settings.iter().cloned());
        command.envs([
            ("AWS_LAMBDA_FUNCTION_NAME", "measured"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let started = Instant::now();
        let mut program = command.spawn()?;
        let asked_at = tokio::select! {
            asked_at = timeout(ANSWER_WITHIN, asked.recv()) => asked_at?,
            ended = program.wait() => return Err(format!("a function ended at its start: {}", ended?).into()),
        };
        let asked_at = asked_at.ok_or("the Runtime API ended")?;
        Ok(Self { started_in: asked_at - started, asked, events, answered, program })
    }

    /// Hands an event over; answers with the time until the function had its answer ready, and with that.
    pub(crate) async fn invoke(&mut self, event: String) -> Result<(Duration, Value), Failure> {
        let given = Instant::now();
        self.events.send(event)?;
        let (answered_at, body) = tokio::select! {
            answered = timeout(ANSWER_WITHIN, self.answered.recv()) => answered?.ok_or("the Runtime API ended")?,
            ended = self.program.wait() => return Err(format!("a function ended: {}", ended?).into()),
        };
        // Only when it asks again is it done.
        timeout(ANSWER_WITHIN, self.asked.recv()).await?;
        Ok((answered_at - given, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// Ends it, and waits for that.
    pub(crate) async fn end(mut self) -> Result<(), Failure> {
        kit::process::send("TERM", self.pid()?)?;
        timeout(ANSWER_WITHIN, self.program.wait()).await??;
        Ok(())
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Result<u32, Failure> {
        self.program.id().ok_or_else(|| "a function has ended".into())
    }
}

async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let desk = Arc::clone(&desk);
        let answer = service_fn(move |request| answer(Arc::clone(&desk), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

async fn answer(desk: Arc<Desk>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path().ends_with("/next") {
        let _ = desk.asked.send(Instant::now());
        let event = desk.events.lock().await.recv().await.unwrap_or_default();
        let mut response = Response::new(Full::from(event));
        for (name, value) in [
            ("lambda-runtime-aws-request-id", REQUEST_ID),
            ("lambda-runtime-deadline-ms", DEADLINE_MS),
            (
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:123456789012:function:measured",
            ),
        ] {
            response.headers_mut().insert(name, hyper::header::HeaderValue::from_static(value));
        }
        return Ok(response);
    }
    let answered_at = Instant::now();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let _ = desk.answered.send((answered_at, body));
    let mut response = Response::new(Full::default());
    *response.status_mut() = hyper::StatusCode::ACCEPTED;
    Ok(response)
}
