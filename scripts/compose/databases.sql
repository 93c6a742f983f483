-- PostgreSQL's image makes the registry's database itself; booking has its own.
CREATE DATABASE sunbeon_booking;
