//! Listens, keeps no connection longer than it should, and stops without breaking off what is under way.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, connect_info::IntoMakeServiceWithConnectInfo},
    response::Response,
    serve::Listener,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};
use tower::{Service, ServiceExt};

/// A request lives 8.5 s at most, and Docker waits 10 s before it kills; ECS and Kubernetes wait 30 s.
const SHUTDOWN_TIME_MAX: Duration = Duration::from_secs(9);

/// What a server lets its clients have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a connection may go without a whole head of a request: one that waits for the next request, and one whose head
    /// trickles, as hyper does not tell them apart. Longer than the 60 s for which load balancers keep idle connections
    /// (ALB, nginx): they should be the ones that end one, or a request could meet the end.
    pub head: Duration,
    /// Open connections; further ones wait until one ends.
    pub connections: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: Duration::from_secs(75), connections: 4_096 }
    }
}

/// The right to a connection. What goes on when the client is gone keeps it: so the limit is for that, too, and the end waits
/// for it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// Listens at all of the machine's addresses, those of IPv6 among them where there are any.
///
/// # Errors
/// When the port can't be had.
pub async fn listen(port: u16) -> Result<TcpListener, String> {
    let bound = match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
        }
        bound => bound,
    };
    bound.map_err(|error| refusal(port, &error))
}

/// Why a port can't be had, and what to do.
pub fn refusal(port: u16, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!("port {port} is taken; set PORT to another one"),
        _ => format!("port {port} can't be used: {error}"),
    }
}

/// Serves until `stop` ends. Then takes no new connections, waits until all that is under way is answered, or done where
/// nobody waits for the answer any more, and does so for 9 s at most: connections on which nobody asks anything would keep it
/// for ever.
pub async fn serve(
    mut listener: TcpListener,
    mut service: IntoMakeServiceWithConnectInfo<Router, SocketAddr>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections as usize));
    let (stopping, stopped) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let permit = Arc::clone(&places).acquire_owned().await;
            (permit, Listener::accept(&mut listener).await)
        };
        let (permit, (connection, peer)) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        // Nobody closes it.
        let Ok(permit) = permit else { break };
        let Ok(router) = service.call(peer).await;
        let place = Place { _permit: Arc::new(permit) };
        tokio::spawn(converse(connection, router, place, limits, stopped.clone()));
    }
    drop((listener, stopping));
    if timeout(SHUTDOWN_TIME_MAX, places.acquire_many(limits.connections)).await.is_err() {
        tracing::warn!("some connections did not end in time and were broken off");
    }
}

/// Answers what comes on a connection, until it ends.
async fn converse<S>(
    connection: TcpStream,
    router: S,
    place: Place,
    limits: Limits,
    mut stopped: watch::Receiver<()>,
) where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    // An answer is written in one piece: waiting for more would only make it late.
    let _ = connection.set_nodelay(true);
    let answer = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(place.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .serve_connection(TokioIo::new(connection), answer);
    let mut conversation = pin!(conversation);
    // How one ends is the client's business.
    tokio::select! {
        _ = conversation.as_mut() => return,
        // Whoever could say that it stops is gone.
        _ = stopped.changed() => {}
    }
    conversation.as_mut().graceful_shutdown();
    let _ = conversation.await;
}
