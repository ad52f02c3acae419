DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
DROP TABLE incidents;
DROP TABLE ping_hours;
DROP TABLE pings;
DROP TABLE service_states;
DROP TABLE services;
