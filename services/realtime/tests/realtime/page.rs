//! A page, as raw packets on a WebSocket.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use sunbeon_test_support::access;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::SOON;

pub(crate) struct Page {
    socket: WebSocketStream<TcpStream>,
    asked: u32,
    /// What was told while something else was waited for.
    told: Vec<(String, Value)>,
}

impl Page {
    /// Connects a member; fails if it is not let in.
    pub(crate) async fn open(address: &str, member: &str) -> anyhow::Result<Self> {
        Self::open_by(address, &access::member(member)).await
    }

    /// Connects the member of an access token; fails if it is not let in.
    pub(crate) async fn open_by(address: &str, token: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let (socket, _) = client_async(url, stream).await?;
        let mut page = Self {
            socket,
            asked: 0,
            told: Vec::new(),
        };
        page.until("0{").await?;
        page.send(&format!("40{{\"token\":\"{token}\"}}")).await?;
        page.until("40{").await?;
        Ok(page)
    }

    /// Asks something that is done, and returns the answer.
    pub(crate) async fn ask(&mut self, event: &str, data: &Value) -> Value {
        let id = self.asks(event, data).await;
        self.answer_to(id).await
    }

    /// Asks something, and returns the number by which it is answered.
    pub(crate) async fn asks(&mut self, event: &str, data: &Value) -> u32 {
        self.asked += 1;
        let id = self.asked;
        let packet = format!("42{id}[\"{event}\",{data}]");
        self.send(&packet).await.unwrap();
        id
    }

    /// Waits for the next answer, of something that is done. An earlier one is lost.
    pub(crate) async fn answer_to(&mut self, id: u32) -> Value {
        let packet = self.until(&format!("43{id}[")).await.unwrap();
        let at = packet.find('[').unwrap();
        let answer: [Value; 1] = serde_json::from_str(&packet[at..]).unwrap();
        assert_eq!(answer[0]["ok"], true, "{packet}");
        answer[0].clone()
    }

    /// Waits for an event; earlier ones of its kind that nobody waited for count.
    pub(crate) async fn hears(&mut self, event: &str) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(at) = self.told.iter().position(|(told, _)| told == event) {
                return self.told.remove(at).1;
            }
            let packet = timeout_at(deadline, self.packet()).await;
            let packet =
                packet.unwrap_or_else(|_| panic!("{event} in time; told: {:?}", self.told));
            self.note(&packet.expect("the socket stays open"));
        }
    }

    /// Returns everything that it is told within a time, and before.
    pub(crate) async fn told_within(&mut self, time: Duration) -> Vec<(String, Value)> {
        let deadline = Instant::now() + time;
        while let Ok(packet) = timeout_at(deadline, self.packet()).await {
            self.note(&packet.expect("the socket stays open"));
        }
        std::mem::take(&mut self.told)
    }

    /// Reads until it is told everything anew. One that has not read for too long is closed instead.
    pub(crate) async fn catches_up_or_is_closed(mut self) {
        let caught_up = async {
            while let Ok(packet) = self.packet().await {
                if packet.starts_with("42[\"session:restored\"") {
                    return;
                }
            }
        };
        timeout(SOON, caught_up).await.expect("it catches up");
    }

    /// Waits until the server has disconnected it, and returns what it was told before.
    pub(crate) async fn until_disconnected(mut self) -> Vec<(String, Value)> {
        self.until("41").await.expect("the socket stays open");
        self.told
    }

    /// Waits until the other end has closed it.
    pub(crate) async fn until_closed(mut self) {
        let closed = async { while self.packet().await.is_ok() {} };
        timeout(SOON, closed).await.expect("the socket is closed");
    }

    async fn send(&mut self, packet: &str) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(packet)).await?)
    }

    async fn until(&mut self, beginning: &str) -> anyhow::Result<String> {
        loop {
            let packet = timeout(SOON, self.packet()).await??;
            if packet.starts_with(beginning) {
                return Ok(packet);
            }
            anyhow::ensure!(!packet.starts_with("44"), "refused: {packet}");
            self.note(&packet);
        }
    }

    /// The next packet but for pings, which are answered. What is not awaited to the end is not lost.
    async fn packet(&mut self) -> anyhow::Result<String> {
        loop {
            let message = self.socket.next().await;
            let text = message
                .ok_or_else(|| anyhow::anyhow!("closed"))??
                .into_text()?;
            match text.as_str() {
                "2" => self.send("3").await?,
                "1" => anyhow::bail!("closed by the server"),
                packet => return Ok(packet.to_owned()),
            }
        }
    }

    fn note(&mut self, packet: &str) {
        if let Some(event) = packet.strip_prefix("42") {
            let told = serde_json::from_str(event).expect("an event and its data");
            self.told.push(told);
        }
    }
}
