-- What each running copy says of its build: the tables it uses, the jobs it knows. Told once, at its start.
ALTER TABLE sides.instances ADD COLUMN manifest jsonb;
