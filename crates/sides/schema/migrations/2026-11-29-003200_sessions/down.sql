DROP TABLE sides.sessions;
