//! Members' sockets, and how long it takes to tell all of them something.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use futures::{SinkExt, StreamExt, stream};
use parking_lot::Mutex;
use sunbeon_broker::{Broker, Heard, Settings, rabbitmq};
use sunbeon_domain::ConcertId;
use sunbeon_proto_messages::Event;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::data::Members;

/// How many sockets connect at a time.
const TOGETHER: usize = 64;
/// The longest that a broadcast may take.
const LIMIT: Duration = Duration::from_secs(20);
/// What a seat is named by which a broadcast is known, before the moment that it was sent at.
const MARK: &str = "sent-";

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    members: Members,
    /// The address of realtime; several, separated by commas, take turns
    #[arg(long, value_delimiter = ',')]
    at: Vec<String>,
    /// Its process, whose memory is read; as many as addresses
    #[arg(long, value_delimiter = ',')]
    pid: Vec<u32>,
    /// The concert whose line and shop they join
    #[arg(long)]
    concert: String,
    /// The RabbitMQ by which something is told
    #[arg(long)]
    amqp: String,
    /// How many times something is told, once a second
    #[arg(long, default_value_t = 30)]
    times: u32,
}

type Socket = WebSocketStream<TcpStream>;

/// How late each socket heard, in microseconds.
type Late = Arc<Mutex<Vec<u64>>>;

pub(crate) async fn measure(options: Options) -> anyhow::Result<()> {
    let concert = ConcertId::parse(options.concert.as_str())?;
    let settings = rabbitmq::Settings {
        url: options.amqp.clone().into(),
        prefetch: 1,
    };
    let broker = sunbeon_broker::open(&Settings::Rabbitmq(settings), "bench")?;
    // Once events are heard they can be told, too.
    let mut events = broker.subscribe_events("seat.#");
    ensure!(
        events.recv().await == Some(Heard::Missed),
        "RabbitMQ is not there"
    );
    let (began, late) = (Instant::now(), Late::default());
    let before = memory(&options.pid)?;
    let count = connect(&options, &concert, began, &late).await?;
    let took = began.elapsed();
    // What connecting needed is given back meanwhile.
    sleep(Duration::from_secs(12)).await;
    let each = (memory(&options.pid)?.saturating_sub(before)) / count as u64;
    println!("sockets {count} connected_s {:.1}", took.as_secs_f64());
    println!("bytes_each {each}");
    let cpu = cpu(&options.pid)?;
    let mut heard = Vec::new();
    for _ in 0..options.times {
        heard.extend(tell(&*broker, &concert, began, &late, count).await?);
        sleep(Duration::from_secs(1)).await;
    }
    heard.sort_unstable();
    let at = |share: f64| heard[((heard.len() - 1) as f64 * share) as usize] as f64 / 1_000.0;
    println!(
        "late_ms p50 {:.1} p99 {:.1} most {:.1}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    let spent = self::cpu(&options.pid)? - cpu;
    println!("server_us_each {:.1}", spent * 1e6 / heard.len() as f64);
    broker.close().await;
    Ok(())
}

/// Connects all, a few at a time, and returns how many.
async fn connect(
    options: &Options,
    concert: &ConcertId,
    began: Instant,
    late: &Late,
) -> anyhow::Result<usize> {
    let tokens = options.members.tokens()?;
    let count = AtomicUsize::new(0);
    let mut connecting = stream::iter(tokens.into_iter().enumerate())
        .map(async |(index, token)| {
            let at = &options.at[index % options.at.len()];
            let socket = join(at, &token, concert).await?;
            tokio::spawn(listen(socket, began, late.clone()));
            count.fetch_add(1, Ordering::Relaxed);
            anyhow::Ok(())
        })
        .buffer_unordered(TOGETHER);
    while let Some(connected) = connecting.next().await {
        connected?;
    }
    drop(connecting);
    Ok(count.into_inner())
}

/// Opens a member's socket, which joins a concert's line and shop.
async fn join(at: &str, token: &str, concert: &ConcertId) -> anyhow::Result<Socket> {
    let stream = TcpStream::connect(at).await?;
    stream.set_nodelay(true)?;
    let url = format!("ws://{at}/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = client_async(url, stream).await?;
    until(&mut socket, "0{").await?;
    socket
        .send(Message::text(format!("40{{\"token\":\"{token}\"}}")))
        .await?;
    until(&mut socket, "40{").await?;
    for (ack, event) in [(1, "join:queue"), (2, "join:event")] {
        let ask = format!("42{ack}[\"{event}\",\"{concert}\"]");
        socket.send(Message::text(ask)).await?;
        until(&mut socket, &format!("43{ack}[{{\"ok\":true")).await?;
    }
    Ok(socket)
}

/// Reads until a packet begins so.
async fn until(socket: &mut Socket, beginning: &str) -> anyhow::Result<()> {
    while let Some(message) = timeout(LIMIT, socket.next()).await? {
        let message = message?;
        let text = message.to_text()?;
        if text.starts_with(beginning) {
            return Ok(());
        }
        if text == "2" {
            socket.send(Message::text("3")).await?;
        }
        ensure!(!text.starts_with("44"), "refused: {text}");
    }
    bail!("closed before {beginning}")
}

/// Answers pings, and notes how late each broadcast came.
async fn listen(mut socket: Socket, began: Instant, late: Late) {
    while let Some(Ok(message)) = socket.next().await {
        let Ok(text) = message.to_text() else {
            continue;
        };
        if text == "2" {
            if socket.send(Message::text("3")).await.is_err() {
                return;
            }
        } else if let Some((_, rest)) = text.split_once(MARK) {
            let sent: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let sent: u64 = sent.parse().unwrap_or_default();
            late.lock().push(micros(began).saturating_sub(sent));
        }
    }
}

/// Tells everybody something, and returns how late each heard.
async fn tell(
    broker: &dyn Broker,
    concert: &ConcertId,
    began: Instant,
    late: &Late,
    count: usize,
) -> anyhow::Result<Vec<u64>> {
    broker.publish_event(Event::SeatSelected {
        concert_id: concert.clone(),
        seat_ids: vec![format!("{MARK}{}", micros(began))],
    });
    let all_heard = async {
        while late.lock().len() < count {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = timeout(LIMIT, all_heard).await;
    let heard = std::mem::take(&mut *late.lock());
    in_time.with_context(|| format!("{} of {count} heard", heard.len()))?;
    Ok(heard)
}

fn micros(began: Instant) -> u64 {
    began.elapsed().as_micros() as u64
}

/// The resident memory of processes, in bytes.
fn memory(pids: &[u32]) -> anyhow::Result<u64> {
    let of = |pid: &u32| -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(kib.context("no VmRSS")?.parse::<u64>()? * 1_024)
    };
    pids.iter().map(of).sum()
}

/// The CPU time of processes so far, in seconds.
fn cpu(pids: &[u32]) -> anyhow::Result<f64> {
    let of = |pid: &u32| -> anyhow::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').context("no name")?;
        let mut fields = fields.split_whitespace().skip(11);
        let mut ticks = || fields.next().unwrap_or_default().parse::<f64>();
        Ok((ticks()? + ticks()?) / 100.0)
    };
    pids.iter().map(of).sum()
}
