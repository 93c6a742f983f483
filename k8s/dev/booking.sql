CREATE DATABASE sunbeon_booking;
