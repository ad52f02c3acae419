DROP TABLE ping_days;
