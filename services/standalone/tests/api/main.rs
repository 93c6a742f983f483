//! All of Sunbeon over HTTP: each test has its own `sunbeon` process.

mod app;
mod bodies;
mod breaking;
mod command;
mod concerts;
mod demo;
mod documents;
mod front_door;
mod guests;
mod health;
mod ids;
mod manual;
mod metrics;
mod openapi;
mod pages;
mod process;
mod recipes;
mod rehearse;
mod routes;
mod shop;
mod tokens;
mod walk;
mod words;
