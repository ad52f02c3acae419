DROP TABLE sides.actions;
