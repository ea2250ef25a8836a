//! Listens, and stops without breaking off what is under way.

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use axum::{Router, extract::connect_info::IntoMakeServiceWithConnectInfo, serve::ListenerExt};
use tokio::{net::TcpListener, sync::oneshot, time::sleep};

/// A request lives 8.5 s at most, and Docker waits 10 s before it kills; ECS and Kubernetes wait 30 s.
const SHUTDOWN_TIME_MAX: Duration = Duration::from_secs(9);

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

/// Serves until `stop` ends. Then takes no new connections, waits until all requests under way are answered, and does
/// so for 9 s at most: connections on which nobody asks anything would keep it for ever.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    service: IntoMakeServiceWithConnectInfo<Router, SocketAddr>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        stop.await;
        // Nobody listens only where serving has ended by itself.
        let _ = stopping.send(());
    };
    let too_long = async {
        if stopped.await.is_ok() {
            sleep(SHUTDOWN_TIME_MAX).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    let listener = listener.tap_io(|connection| {
        // An answer is written in one piece: waiting for more would only make it late.
        let _ = connection.set_nodelay(true);
    });
    tokio::select! {
        served = axum::serve(listener, service).with_graceful_shutdown(stop) => served,
        () = too_long => {
            tracing::warn!("some connections did not end in time and were broken off");
            Ok(())
        }
    }
}
