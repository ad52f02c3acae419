DROP TABLE sides.releases;
