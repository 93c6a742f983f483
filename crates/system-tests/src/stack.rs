use sunbeon_test_support::{
    Api, RabbitServer, RedisServer, TcpProxy, TestDatabase, TestVhost, access, eventually,
    free_port,
};
use sunbeon_tokens::SigningKeys;

use crate::{
    Console, Replica, ReplicaPlan, SOON, Service,
    replica::{BOOKINGS, DATABASE, RABBITMQ, REDIS, parts},
};

/// The servers of one test: its own Redis, databases, and RabbitMQ. Declare it before the replicas
/// that use it, so that they stop first.
#[derive(Debug)]
pub struct Stack {
    /// A Redis whose answered writes survive the end of its process.
    pub redis: RedisServer,
    /// The RabbitMQ in use.
    rabbitmq: Rabbitmq,
    database: TestDatabase,
    bookings: TestDatabase,
    signing_key: String,
    front_door: u16,
    operators_door: u16,
}

#[derive(Debug)]
enum Rabbitmq {
    Vhost(TestVhost),
    Own(RabbitServer),
}

impl Stack {
    /// Starts the servers, with a virtual host on the shared RabbitMQ.
    ///
    /// # Panics
    /// If a server is missing.
    pub async fn start() -> Self {
        let vhost = async { Rabbitmq::Vhost(TestVhost::create().await) };
        Self::on(vhost).await
    }

    /// Starts the servers, with a private RabbitMQ.
    ///
    /// # Panics
    /// If a server is missing.
    pub async fn with_own_rabbitmq() -> Self {
        Self::on(async { Rabbitmq::Own(RabbitServer::start().await) }).await
    }

    async fn on(rabbitmq: impl Future<Output = Rabbitmq>) -> Self {
        let (redis, database, bookings, rabbitmq) = tokio::join!(
            RedisServer::start(),
            TestDatabase::postgres(),
            TestDatabase::postgres(),
            rabbitmq
        );
        let keys = SigningKeys::generate().expect("could not make a signing key");
        Self {
            redis,
            rabbitmq,
            database,
            bookings,
            signing_key: keys.to_pem(),
            front_door: free_port(),
            operators_door: free_port(),
        }
    }

    /// Starts new servers for services with the same secrets as another stack's.
    ///
    /// # Panics
    /// If a server is missing.
    pub async fn with_secrets_of(other: &Self) -> Self {
        Self {
            signing_key: other.signing_key.clone(),
            ..Self::start().await
        }
    }

    /// Returns the URLs of the registry's database and booking's.
    pub fn databases(&self) -> [&str; 2] {
        [self.database.url(), self.bookings.url()]
    }

    /// Returns the private RabbitMQ.
    ///
    /// # Panics
    /// If there is none.
    pub fn rabbitmq(&self) -> &RabbitServer {
        match &self.rabbitmq {
            Rabbitmq::Own(server) => server,
            Rabbitmq::Vhost(_) => panic!("this stack uses the shared RabbitMQ"),
        }
    }

    fn amqp_url(&self) -> &str {
        match &self.rabbitmq {
            Rabbitmq::Own(server) => server.amqp_url(),
            Rabbitmq::Vhost(vhost) => vhost.url(),
        }
    }

    /// Returns the port of the front door, once it has started.
    pub fn front_door(&self) -> u16 {
        self.front_door
    }

    /// Returns the port of the door for operators and shops, once it has started.
    pub fn operators_door(&self) -> u16 {
        self.operators_door
    }

    /// Plans a replica on these servers.
    pub fn plan(&self, service: Service) -> ReplicaPlan {
        let door = format!("127.0.0.1:{}", self.front_door);
        let settings = [
            (REDIS, self.redis.url()),
            (RABBITMQ, self.amqp_url().to_owned()),
            (DATABASE, self.database.url().to_owned()),
            (BOOKINGS, self.bookings.url().to_owned()),
            ("SUNBEON__LIMITS__TRUSTED_PROXIES", "127.0.0.1".to_owned()),
            (
                "SUNBEON__GATE__SUNBEON_URL",
                format!("http://127.0.0.1:{}", self.operators_door),
            ),
            ("SUNBEON__GATE__ON_FAILURE", "closed".to_owned()),
            (
                "SUNBEON__GATE__WAITING_PAGE",
                format!("http://{door}/waiting-room/{{concertId}}"),
            ),
            ("SUNBEON__GATE__OWN_HOSTS", door),
            (
                "SUNBEON__BOOKING_TOKEN__SIGNING_KEY",
                self.signing_key.clone(),
            ),
        ];
        let secrets = access::SETTINGS.map(|(key, value)| (key, value.to_owned()));
        ReplicaPlan {
            service,
            settings: settings.into_iter().chain(secrets).collect(),
        }
    }

    /// Starts a replica on these servers.
    ///
    /// # Panics
    /// If it is not ready soon.
    pub async fn run(&self, service: Service) -> Replica {
        self.plan(service).start().await
    }

    /// Starts a proxy to Redis.
    pub async fn redis_proxy(&self) -> TcpProxy {
        proxy_to(&self.redis.url()).await
    }

    /// Starts a proxy to RabbitMQ.
    pub async fn rabbitmq_proxy(&self) -> TcpProxy {
        proxy_to(self.amqp_url()).await
    }

    /// Starts a proxy to the database.
    pub async fn database_proxy(&self) -> TcpProxy {
        proxy_to(self.database.url()).await
    }

    /// Starts a proxy to the database of bookings.
    pub async fn bookings_proxy(&self) -> TcpProxy {
        proxy_to(self.bookings.url()).await
    }

    /// Opens the test's own view of RabbitMQ.
    pub async fn console(&self) -> Console {
        Console::open(self.amqp_url()).await
    }

    /// Checks what must hold at the end of every test: the lines add up with nobody between line
    /// and READY, the consumers stop cleanly, and RabbitMQ holds no ENTER messages, delivered or
    /// not, and no dead letters.
    ///
    /// # Panics
    /// If it does not hold.
    pub async fn ends_well(&self, room: &Api, concerts: &[&str], consumers: &[&Replica]) {
        for concert in concerts {
            eventually(SOON, "nobody is left between line and READY", async || {
                room.line(concert).await.count("admitting") == 0
            })
            .await;
        }
        let console = self.console().await;
        eventually(SOON, "the last message is delivered", async || {
            console.waiting().await == 0
        })
        .await;
        for consumer in consumers {
            consumer.end().await;
        }
        // Messages in a consumer's hands would be back by now.
        assert_eq!(
            (console.waiting().await, console.dead().await),
            (0, 0),
            "waiting, dead"
        );
    }
}

async fn proxy_to(url: &str) -> TcpProxy {
    TcpProxy::start(parts(url).1).await
}
