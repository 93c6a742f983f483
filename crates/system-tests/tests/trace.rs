//! One trace from an operator's request through RabbitMQ to READY.

use std::{collections::HashMap, sync::Arc};

use opentelemetry::trace::{SpanId, SpanKind, TracerProvider};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{InMemorySpanExporter, SdkTracerProvider, SpanData},
};
use sunbeon_broker::rabbitmq;
use sunbeon_chassis::{
    Auth,
    http::{self, Health, Readiness},
    settings, telemetry,
};
use sunbeon_domain::{ConcertId, MemberId};
use sunbeon_entry_consumer::EntryConsumer;
use sunbeon_reservation_open::{Registry, ReservationOpen};
use sunbeon_store::Store;
use sunbeon_system_tests::SOON;
use sunbeon_test_support::{
    Api, RedisServer, TestVhost,
    access::{ADMIN_TOKEN, HS256_SECRET},
    eventually,
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt;

const FANS: usize = 3;

#[derive(serde::Deserialize)]
struct Settings {
    http: settings::Http,
    auth: settings::Auth,
    limits: settings::Limits,
}

/// reservation-open and entry-consumer in this process, on real servers.
struct Services {
    api: Api,
    store: Arc<dyn Store>,
    shutdown: CancellationToken,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

async fn start(redis: &RedisServer, vhost: &TestVhost) -> Services {
    let environment = [
        ("SUNBEON__HTTP__DRAIN_DELAY_MS", "0"),
        ("SUNBEON__AUTH__HS256_SECRET", HS256_SECRET),
        ("SUNBEON__AUTH__ADMIN_TOKEN", ADMIN_TOKEN),
    ];
    let environment: HashMap<String, String> = environment
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    let settings: Settings = settings::load_from(environment).unwrap();
    let on_redis = sunbeon_store::redis::Settings {
        url: redis.url().into(),
        wait_replicas: 0,
        timeout_ms: 2_000,
    };
    let store = sunbeon_store::open(&sunbeon_store::Settings::Redis(on_redis)).unwrap();
    let on_rabbitmq = rabbitmq::Settings {
        url: vhost.url().into(),
        prefetch: 100,
    };
    let on_rabbitmq = sunbeon_broker::Settings::Rabbitmq(on_rabbitmq);
    let publishing = sunbeon_broker::open(&on_rabbitmq, "reservation-open").unwrap();
    let consuming = sunbeon_broker::open(&on_rabbitmq, "entry-consumer").unwrap();
    let registry = Registry::open("sqlite::memory:").unwrap();
    registry.migrate().await.unwrap();
    let open = ReservationOpen::new(store.clone(), publishing.clone(), registry);
    let router = http::finish(http::Service {
        name: "reservation-open",
        api: open.router(&Auth::new(&settings.auth, &settings.limits).unwrap()),
        health: Health::new(),
        readiness: Readiness::new(),
        metrics: None,
        settings: settings.http.clone(),
        limits: settings.limits.clone(),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = Api::at(listener.local_addr().unwrap().port());
    let shutdown = CancellationToken::new();
    let (router, stop) = (router.unwrap(), shutdown.clone());
    let serving = async move {
        http::serve(listener, router, settings.http, stop, Readiness::new())
            .await
            .unwrap();
    };
    let consumer = EntryConsumer::new(store.clone(), consuming);
    let stop = shutdown.clone();
    let consuming = async move { consumer.run(stop).await.unwrap() };
    let tasks = vec![tokio::spawn(serving), tokio::spawn(consuming)];
    eventually(SOON, "messages can be sent", async || {
        publishing.can_publish()
    })
    .await;
    Services {
        api,
        store,
        shutdown,
        tasks,
    }
}

/// Returns the spans of an operator's opening for three fans.
async fn spans_of_an_opening() -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let layer = telemetry::layer(provider.tracer("test"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();

    let (redis, vhost) = tokio::join!(RedisServer::start(), TestVhost::create());
    let services = start(&redis, &vhost).await;
    let policy = serde_json::json!({ "autoOpen": false });
    services.api.create("sale", policy).await;
    let sale = ConcertId::parse("sale").unwrap();
    for i in 0..FANS {
        let fan = MemberId::parse(format!("fan-{i}")).unwrap();
        services.store.enter(&sale, &fan, "").await.unwrap();
    }
    exporter.reset();
    let opened = services.api.open("sale", 10).await;
    assert_eq!(opened.data(200)["confirmed"], FANS);
    eventually(SOON, "the fans are READY", async || {
        services.store.snapshot(&sale).await.unwrap().counts.ready == FANS as u64
    })
    .await;
    // The consumer's spans end before the consumer does.
    services.shutdown.cancel();
    for task in services.tasks {
        task.await.unwrap();
    }
    provider.force_flush().unwrap();
    exporter.get_finished_spans().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_and_its_consequences_are_one_trace() {
    let spans = spans_of_an_opening().await;
    let named = |name: &str| spans.iter().filter(|s| s.name == name).collect::<Vec<_>>();
    let id = |span: &SpanData| span.span_context.span_id();

    let request = named("POST /v2/reservation/open/{concertId}");
    assert_eq!(request.len(), 1, "{spans:?}");
    let request = request[0];
    assert_eq!(
        (&request.span_kind, request.parent_span_id),
        (&SpanKind::Server, SpanId::INVALID)
    );
    let trace = request.span_context.trace_id();

    let published = named("reservation.enter publish");
    assert_eq!(published.len(), FANS);
    for span in &published {
        assert_eq!(
            (&span.span_kind, span.parent_span_id),
            (&SpanKind::Producer, id(request))
        );
        assert_eq!(span.span_context.trace_id(), trace);
    }
    let consumed = named("reservation.enter process");
    assert_eq!(consumed.len(), FANS);
    for span in &consumed {
        assert_eq!(
            (&span.span_kind, span.span_context.trace_id()),
            (&SpanKind::Consumer, trace)
        );
    }
    // Each message's parent is its own producer.
    let mut parents: Vec<_> = consumed.iter().map(|span| span.parent_span_id).collect();
    let mut producers: Vec<_> = published.iter().map(|span| id(span)).collect();
    parents.sort_by_key(|id| id.to_bytes());
    producers.sort_by_key(|id| id.to_bytes());
    assert_eq!(parents, producers);

    // One store call for several messages belongs to the first of them and is linked to each.
    let calls = named("ready");
    let links = calls.iter().flat_map(|span| span.links.iter());
    let mut linked: Vec<_> = links.map(|link| link.span_context.span_id()).collect();
    let mut consumers: Vec<_> = consumed.iter().map(|span| id(span)).collect();
    linked.sort_by_key(|id| id.to_bytes());
    consumers.sort_by_key(|id| id.to_bytes());
    assert_eq!(linked, consumers);
    for call in calls {
        let first = call.links.first().unwrap();
        assert_eq!(call.parent_span_id, first.span_context.span_id());
        let scripts = named("redis ready").into_iter();
        let of_call: Vec<_> = scripts
            .filter(|span| span.parent_span_id == id(call))
            .collect();
        assert_eq!(of_call.len(), 1);
        assert_eq!(of_call[0].span_kind, SpanKind::Client);
        assert_eq!(of_call[0].span_context.trace_id(), trace);
    }
}
