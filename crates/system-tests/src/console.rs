use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{
        BasicGetOptions, BasicPublishOptions, BasicRejectOptions, ConfirmSelectOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
};
use sunbeon_proto_messages::topology::{DEAD_QUEUE, ENTER_QUEUE};

/// A test's own view of RabbitMQ. Its methods panic if the server does not answer.
#[derive(Debug)]
pub struct Console {
    channel: Channel,
    _connection: Connection,
}

impl Console {
    pub(crate) async fn open(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await;
        let connection = connection.expect("RabbitMQ accepts a connection");
        let channel = connection
            .create_channel()
            .await
            .expect("RabbitMQ opens a channel");
        let confirm = channel
            .confirm_select(ConfirmSelectOptions::default())
            .await;
        confirm.expect("RabbitMQ confirms");
        Self {
            channel,
            _connection: connection,
        }
    }

    /// Returns how many ENTER messages wait, not counting those delivered to a consumer.
    pub async fn waiting(&self) -> u32 {
        self.count(ENTER_QUEUE).await
    }

    /// Returns how many dead letters there are.
    pub async fn dead(&self) -> u32 {
        self.count(DEAD_QUEUE).await
    }

    async fn count(&self, queue: &str) -> u32 {
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::durable()
        };
        let declared = self
            .channel
            .queue_declare(queue.into(), options, FieldTable::default())
            .await;
        declared.expect("the queue exists").message_count()
    }

    /// Puts a body on the queue of ENTER messages.
    pub async fn publish(&self, body: &[u8]) {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let queue = ENTER_QUEUE.into();
        let sent = self
            .channel
            .basic_publish("".into(), queue, options, body, properties)
            .await;
        let confirm = sent.expect("RabbitMQ accepts a message").await;
        assert!(confirm.expect("RabbitMQ confirms").is_ack());
    }

    /// Refuses the ENTER messages that wait, as a consumer does that cannot handle them.
    pub async fn refuse_enters(&self) {
        let options = BasicGetOptions::default();
        while let Some(message) = self
            .channel
            .basic_get(ENTER_QUEUE.into(), options)
            .await
            .expect("the queue exists")
        {
            let refused = message.delivery.acker.reject(BasicRejectOptions::default());
            assert!(refused.await.expect("RabbitMQ takes it"));
        }
    }

    /// Takes the dead letters and returns their bodies.
    pub async fn take_dead_letters(&self) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        let options = BasicGetOptions { no_ack: true };
        while let Some(letter) = self
            .channel
            .basic_get(DEAD_QUEUE.into(), options)
            .await
            .expect("the queue exists")
        {
            bodies.push(letter.delivery.data);
        }
        bodies
    }
}
