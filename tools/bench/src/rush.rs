//! What the service does in a second over HTTP, and what CPU that takes, beside the least that could be done.

use std::time::Duration;

use hyper::Method;
use kit::{
    Failure,
    http::{Call, Connection},
    process::{Process, free_port, program},
    usage::memory_of,
    wait,
};
use load::{
    people::create_event,
    scenario::general,
    server::{OwnServer, OwnStores},
};
use serde_json::json;

use crate::{
    bare_reserve::BareReserve,
    figures::{Figure, Samples, Target},
    rate::{CONNECTIONS, Rate, measure},
    world::{AS_DEPLOYED, admin, buyers},
};

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(1_500);
/// So many that none of the rounds sells out.
const SEATS: u32 = 1_000_000;
const BUYERS: u64 = 1_000;

/// Measures side by side, round after round.
pub(crate) async fn figures() -> Result<Vec<Figure>, Failure> {
    let server = OwnServer::on(OwnStores::start().await?, None, &[AS_DEPLOYED]).await?;
    let hello = Hello::start().await?;
    let admin = admin().await?;
    let hot = create_event(server.address, &admin, "Hot", &general(SEATS)).await?;
    let gone = sold_out(&server, &admin).await?;
    let bare = bare_reserve(&server, &admin).await?;
    let (mut holds, mut bare_holds, mut hellos) = (Vec::new(), Samples::default(), Vec::new());
    let (mut refusals, mut looks) = (Vec::new(), Vec::new());
    // The first round warms up.
    for round in 0..=ROUNDS {
        let held = book(&server, &hot, 201).await?;
        let bare_held = bare.per_second(ROUND).await?;
        let said_hello = hello.measure().await?;
        let refused = book(&server, &gone, 409).await?;
        let looked = look(&server, &hot).await?;
        if round > 0 {
            holds.push(held);
            bare_holds.0.push(bare_held);
            hellos.push(said_hello);
            refusals.push(refused);
            looks.push(looked);
        }
    }
    let per_second = |rates: &[Rate]| Samples(rates.iter().map(|rate| rate.per_second).collect());
    let cpu_us = |rates: &[Rate]| Samples(rates.iter().map(|rate| rate.cpu_us).collect());
    let (hellos_cpu, hellos) = (cpu_us(&hellos), per_second(&hellos));
    let against = |rates: &[Rate]| {
        let (rate, cpu) = (per_second(rates).median(), cpu_us(rates).median());
        format!("{rate:.0}/s with {cpu:.0} µs of the service's CPU each, against {:.0}/s", hellos.median())
    };
    let memory = memory_of(server.pid()).map_or(0, |(_, most)| most >> 20);
    Ok(vec![
        Figure::new(
            "holds/s on one hot event, through HTTP",
            format!("its Lua script by a bare client, {CONNECTIONS} connections"),
            Target::AtLeast(0.5),
            "",
            per_second(&holds).by(&bare_holds),
        )
        .note(format!(
            "here {:.0}/s against {:.0}/s; service, generator and Redis share this machine's CPUs",
            per_second(&holds).median(),
            bare_holds.median()
        )),
        Figure::new(
            "server CPU of a *book*",
            "a hello-world axum route under the same generator",
            Target::AtMost(4.0),
            "×",
            cpu_us(&holds).by(&hellos_cpu),
        )
        .note(format!(
            "{:.0} µs against {:.0} µs; the service process had at most {memory} MB",
            cpu_us(&holds).median(),
            hellos_cpu.median()
        )),
        Figure::new(
            "sold-out refusals/s",
            "a hello-world axum route",
            Target::AtLeast(0.5),
            "",
            per_second(&refusals).by(&hellos),
        )
        .note(against(&refusals)),
        Figure::new(
            "cached browse/s (`GET /events/{id}`)",
            "a hello-world axum route",
            Target::AtLeast(0.5),
            "",
            per_second(&looks).by(&hellos),
        )
        .note(against(&looks)),
    ])
}

/// The bare client, with an event of its own: it takes more seats in the same time.
async fn bare_reserve(server: &OwnServer, admin: &str) -> Result<BareReserve, Failure> {
    let event = create_event(server.address, admin, "Hot", &general(SEATS)).await?;
    // The first hold brings the event into Redis.
    hold(&mut Connection::new(server.address), &event, &buyers().bearer(0)?, 201).await?;
    BareReserve::new(&server.stores.redis, event.parse()?, "evently:").await
}

/// An event whose seats are all sold.
pub(crate) async fn sold_out(server: &OwnServer, admin: &str) -> Result<String, Failure> {
    let event = create_event(server.address, admin, "Gone", &general(1)).await?;
    let mut connection = Connection::new(server.address);
    let buyer = buyers().bearer(0)?;
    let reservation = hold(&mut connection, &event, &buyer, 201).await?;
    let confirmed =
        connection.send(&Call::post(&format!("/reservations/{reservation}/confirm"), &buyer)).await?;
    if confirmed.status != 201 {
        return Err(format!("a confirm was answered with {}", confirmed.status).into());
    }
    Ok(event)
}

async fn book(server: &OwnServer, event: &str, status: u16) -> Result<Rate, Failure> {
    // Signed beforehand: the generator shares the CPUs with the service.
    let buyers = buyers();
    let bearers = (0..BUYERS).map(|number| buyers.bearer(number)).collect::<Result<Vec<_>, _>>()?;
    measure(server.address, server.pid(), ROUND, async |connection: &mut Connection| {
        let bearer = fastrand::choice(&bearers).ok_or("there is no buyer")?;
        hold(connection, event, bearer, status).await.map(|_| ())
    })
    .await
}

/// Books a seat, which must be answered with that status; answers with the reservation's id.
pub(crate) async fn hold(
    connection: &mut Connection,
    event: &str,
    buyer: &str,
    status: u16,
) -> Result<String, Failure> {
    let key = format!("{:032x}", fastrand::u128(..));
    let path = format!("/events/{event}/book");
    let body = Some(json!({ "quantity": 1 }).to_string());
    let call = Call { method: Method::POST, path: &path, bearer: Some(buyer), key: Some(&key), body };
    let answer = connection.send(&call).await?;
    if answer.status != status {
        return Err(format!("book was answered with {}: {}", answer.status, answer.json()).into());
    }
    Ok(answer.json()["reservation"]["id"].as_str().unwrap_or_default().to_owned())
}

async fn look(server: &OwnServer, event: &str) -> Result<Rate, Failure> {
    let path = format!("/events/{event}");
    measure(server.address, server.pid(), ROUND, async |connection: &mut Connection| {
        match connection.send(&Call::get(&path)).await?.status {
            200 => Ok(()),
            status => Err(format!("a look was answered with {status}").into()),
        }
    })
    .await
}

/// The hello-world service.
struct Hello {
    address: std::net::SocketAddr,
    process: Process,
}

impl Hello {
    async fn start() -> Result<Self, Failure> {
        let port = free_port()?;
        let mut command = Process::supervised(&program("hello_http")?);
        command.env("PORT", port.to_string()).stderr(std::process::Stdio::null());
        let process = Process::start(command).await?;
        let address = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, port));
        let is_ready = wait::until(Duration::from_secs(5), Duration::from_millis(50), || async {
            Ok::<_, Failure>(Connection::new(address).send(&Call::get("/")).await.is_ok())
        });
        if is_ready.await? {
            Ok(Self { address, process })
        } else {
            Err("hello_http does not come up".into())
        }
    }

    async fn measure(&self) -> Result<Rate, Failure> {
        measure(self.address, self.process.pid, ROUND, async |connection: &mut Connection| {
            connection.send(&Call::get("/")).await.map(|_| ())
        })
        .await
    }
}
