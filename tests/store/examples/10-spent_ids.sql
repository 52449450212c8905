BEGIN TRANSACTION;
CREATE TABLE addresses (
        profile_id INTEGER NOT NULL, address TEXT NOT NULL, entity_id INTEGER NOT NULL,
        PRIMARY KEY (profile_id, address, entity_id));
INSERT INTO "addresses" VALUES(1,'ann@example.org',1);
CREATE TABLE answer_options (
        id INTEGER PRIMARY KEY,
        question_id INTEGER NOT NULL REFERENCES questions(id) ON DELETE CASCADE,
        text TEXT NOT NULL, option_order INTEGER DEFAULT 0,
        aspect_id INTEGER REFERENCES aspects(id), weight REAL DEFAULT 1, metadata TEXT);
INSERT INTO "answer_options" VALUES(1,1,'A book',0,1,0.7,'{"features":{"VAL_GROWTH":0.7}}');
INSERT INTO "answer_options" VALUES(2,1,'A walk',1,NULL,0.0,'{"features":{}}');
CREATE TABLE aspects (
        id INTEGER PRIMARY KEY, dimension_id INTEGER NOT NULL REFERENCES dimensions(id),
        name TEXT NOT NULL, code TEXT NOT NULL UNIQUE, description TEXT, metadata TEXT);
INSERT INTO "aspects" VALUES(1,1,'growth','VAL_GROWTH','To become more.','{"observable":true}');
CREATE TABLE beliefs (
        profile_id INTEGER PRIMARY KEY, data BLOB NOT NULL, updated_at TEXT NOT NULL);
INSERT INTO "beliefs" VALUES(1,X'00016E6F7420612062656C696566FF','2026-03-02T08:00:00.000000+00:00');
CREATE TABLE change_log (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, table_name TEXT NOT NULL,
        op TEXT NOT NULL, row_id INTEGER);
INSERT INTO "change_log" VALUES(1,'2026-03-02T08:00:00.000Z','profile','insert',1);
INSERT INTO "change_log" VALUES(2,'2026-03-02T08:00:00.000Z','questions','insert',1);
INSERT INTO "change_log" VALUES(3,'2026-03-02T08:00:00.000Z','responses','insert',1);
INSERT INTO "change_log" VALUES(4,'2026-03-02T08:00:00.000Z','patterns','insert',1);
INSERT INTO "change_log" VALUES(5,'2026-03-02T08:00:00.000Z','entities','insert',1);
INSERT INTO "change_log" VALUES(6,'2026-03-02T08:00:00.000Z','entity_attributes','insert',1);
INSERT INTO "change_log" VALUES(7,'2026-03-02T08:00:00.000Z','workflows','insert',1);
INSERT INTO "change_log" VALUES(8,'2026-03-02T08:00:00.000Z','workflow_steps','insert',1);
INSERT INTO "change_log" VALUES(9,'2026-03-02T08:00:00.000Z','workflow_steps','insert',2);
INSERT INTO "change_log" VALUES(10,'2026-03-02T08:00:00.000Z','recommendations','insert',1);
INSERT INTO "change_log" VALUES(11,'2026-03-02T08:00:00.000Z','records','insert',1);
INSERT INTO "change_log" VALUES(12,'2026-03-02T08:00:00.000Z','records','insert',2);
INSERT INTO "change_log" VALUES(13,'2026-03-02T08:00:00.000Z','records','insert',3);
INSERT INTO "change_log" VALUES(14,'2026-03-02T08:00:00.000Z','feedback','insert',1);
INSERT INTO "change_log" VALUES(15,'2026-03-02T08:00:00.000Z','feedback','insert',2);
INSERT INTO "change_log" VALUES(16,'2026-03-02T08:00:00.000Z','words','insert',1);
INSERT INTO "change_log" VALUES(17,'2026-03-02T08:00:00.000Z','checkins','insert',1);
INSERT INTO "change_log" VALUES(18,'2026-03-02T08:00:00.000Z','entities','insert',2);
INSERT INTO "change_log" VALUES(19,'2026-03-02T08:00:00.000Z','entities','delete',2);
CREATE TABLE changes (
        id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL, at TEXT NOT NULL,
        dimension TEXT NOT NULL, noticed_at TEXT NOT NULL);
INSERT INTO "changes" VALUES(1,1,'2026-03-02T08:00:00.000000+00:00','Values','2026-03-02T09:30:00.000000+00:00');
CREATE TABLE checkins (
        id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL, at TEXT NOT NULL,
        energy REAL NOT NULL CHECK (energy BETWEEN 0 AND 1), note TEXT NOT NULL DEFAULT '');
INSERT INTO "checkins" VALUES(1,1,'2026-03-02T08:00:00.000000+00:00',0.75,'slept well');
CREATE TABLE cursors (consumer TEXT PRIMARY KEY, seq INTEGER NOT NULL);
INSERT INTO "cursors" VALUES('detect',3);
CREATE TABLE deliveries (
        message_id INTEGER NOT NULL REFERENCES outbox(id) ON DELETE CASCADE,
        plugin TEXT NOT NULL, channel TEXT NOT NULL, name TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN
            ('waiting', 'sending', 'sent', 'failed', 'uncertain', 'dropped')),
        tries INTEGER NOT NULL DEFAULT 0, due_at TEXT, changed_at TEXT NOT NULL, error TEXT,
        PRIMARY KEY (message_id, plugin, channel));
INSERT INTO "deliveries" VALUES(1,'notify','desktop','desktop','sent',0,NULL,'2026-03-02T09:30:00.000000+00:00',NULL);
CREATE TABLE dimensions (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        parent_dimension_id INTEGER REFERENCES dimensions(id), weight REAL DEFAULT 1,
        description TEXT, metadata TEXT);
INSERT INTO "dimensions" VALUES(1,'Values',NULL,1.0,'What counts.','{}');
CREATE TABLE entities (
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL REFERENCES profile(id),
        entity_type TEXT NOT NULL, name TEXT NOT NULL, description TEXT, created_at TEXT,
        metadata TEXT, UNIQUE (profile_id, name, entity_type));
INSERT INTO "entities" VALUES(1,1,'person','Ann Berg','a note','2026-03-02T08:00:00.000000+00:00','{"emails":["ann@example.org"],"origin":"contacts"}');
CREATE TABLE entity_attributes (
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL REFERENCES profile(id),
        entity_id INTEGER NOT NULL REFERENCES entities(id) ON DELETE CASCADE,
        attribute_type TEXT NOT NULL, aspect_id INTEGER REFERENCES aspects(id), value REAL,
        text_value TEXT, confidence REAL, last_updated TEXT, metadata TEXT,
        UNIQUE (profile_id, entity_id, attribute_type));
INSERT INTO "entity_attributes" VALUES(1,1,1,'closeness',1,0.8,NULL,0.9,'2026-03-02T08:00:00.000000+00:00','{}');
CREATE TABLE erased (
        profile_id INTEGER NOT NULL, person INTEGER NOT NULL, print TEXT NOT NULL,
        PRIMARY KEY (profile_id, person, print));
INSERT INTO "erased" VALUES(1,1,'00ff');
CREATE TABLE event_people (
        record_id INTEGER NOT NULL REFERENCES records(id) ON DELETE CASCADE,
        entity_id INTEGER NOT NULL, PRIMARY KEY (record_id, entity_id));
INSERT INTO "event_people" VALUES(1,1);
CREATE TABLE evidence (
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL, key TEXT NOT NULL,
        kind TEXT NOT NULL, at TEXT NOT NULL, text TEXT NOT NULL, source_table TEXT,
        source_id INTEGER, weight REAL NOT NULL, aspects TEXT NOT NULL,
        origin TEXT NOT NULL DEFAULT '', UNIQUE (profile_id, key));
INSERT INTO "evidence" VALUES(1,1,'response:1','answer','2026-03-02T08:00:00.000000+00:00','You chose a book','responses',1,1.0,'["VAL_GROWTH"]','responses/1');
CREATE TABLE feedback (
        id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL,
        recommendation_id INTEGER NOT NULL,
        action TEXT NOT NULL CHECK (action IN ('accept', 'reject', 'edit', 'snooze')),
        reason TEXT NOT NULL DEFAULT '', start_at TEXT, duration_min INTEGER, until_at TEXT,
        created_at TEXT NOT NULL, undone_at TEXT);
INSERT INTO "feedback" VALUES(1,1,1,'accept','',NULL,NULL,NULL,'2026-03-02T09:30:00.000000+00:00',NULL);
INSERT INTO "feedback" VALUES(2,1,1,'edit','shorter',NULL,45,NULL,'2026-03-02T09:30:00.000000+00:00',NULL);
CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, key TEXT, args TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
        attempt INTEGER NOT NULL DEFAULT 0, queued_at TEXT NOT NULL, started_at TEXT,
        finished_at TEXT, result TEXT, error TEXT);
INSERT INTO "jobs" VALUES(1,'propose','propose:2026-03-02','{}','done',1,'2026-03-02T08:00:00.000000+00:00','2026-03-02T08:00:00.000000+00:00','2026-03-02T09:30:00.000000+00:00','{"proposals":[]}',NULL);
INSERT INTO "jobs" VALUES(2,'train',NULL,'{"timesteps":2048}','failed',2,'2026-03-02T08:00:00.000000+00:00','2026-03-02T08:00:00.000000+00:00','2026-03-02T09:30:00.000000+00:00',NULL,'{"code":"died","message":"it died"}');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "meta" VALUES('silent_because','nothing is worth an interruption');
CREATE TABLE models (
        id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL, kind TEXT NOT NULL,
        file TEXT, sha256 TEXT,
        state TEXT NOT NULL CHECK (state IN ('serving', 'retired', 'rejected')),
        parent_id INTEGER REFERENCES models(id), timesteps INTEGER NOT NULL DEFAULT 0,
        score REAL, report TEXT NOT NULL DEFAULT '{}', belief BLOB, world TEXT,
        created_at TEXT NOT NULL, served_at TEXT);
INSERT INTO "models" VALUES(1,1,'greedy',NULL,NULL,'retired',NULL,0,1.25,'{"field":[]}',NULL,NULL,'2026-03-02T08:00:00.000000+00:00','2026-03-02T08:00:00.000000+00:00');
INSERT INTO "models" VALUES(2,1,'ppo','ppo-1.safetensors','ab','serving',1,2048,1.5,'{"field":[{"mean":1.5,"name":"ppo"}]}',X'01','{"people":[1],"projects":[1]}','2026-03-02T09:30:00.000000+00:00','2026-03-02T09:30:00.000000+00:00');
CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL,
        key TEXT NOT NULL UNIQUE, payload TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN
            ('pending', 'sending', 'sent', 'failed', 'uncertain', 'dropped')),
        channel TEXT, created_at TEXT NOT NULL, sent_at TEXT, error TEXT, due_at TEXT);
INSERT INTO "outbox" VALUES(1,1,'proposals:1','{"about":"proposals","ids":[1]}','sent','desktop','2026-03-02T08:00:00.000000+00:00','2026-03-02T09:30:00.000000+00:00',NULL,NULL);
INSERT INTO "outbox" VALUES(2,1,'said','{"body":"New","title":"News"}','uncertain',NULL,'2026-03-02T08:00:00.000000+00:00',NULL,'the sender was interrupted',NULL);
CREATE TABLE patterns (
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL REFERENCES profile(id),
        pattern_type TEXT NOT NULL, dimension_id INTEGER REFERENCES dimensions(id),
        aspect_id INTEGER REFERENCES aspects(id), confidence REAL, strength REAL,
        evidence_count INTEGER DEFAULT 0, impact_score REAL DEFAULT 0, first_detected TEXT,
        last_updated TEXT, metadata TEXT, UNIQUE (profile_id, dimension_id, aspect_id));
INSERT INTO "patterns" VALUES(1,1,'preference',1,1,0.4,0.3,2,0.1,'2026-03-02T08:00:00.000000+00:00','2026-03-02T09:30:00.000000+00:00','{"prior":{"confidence":0.1,"strength":0.2},"twind":1}');
CREATE TABLE profile (
        id INTEGER PRIMARY KEY, created_at TEXT, updated_at TEXT,
        total_responses INTEGER DEFAULT 0, engagement_score REAL DEFAULT 0,
        learning_version INTEGER DEFAULT 1, metadata TEXT);
INSERT INTO "profile" VALUES(1,'2026-03-02T08:00:00.000000+00:00','2026-03-02T08:00:00.000000+00:00',1,0.5,1,'{}');
CREATE TABLE questions (
        id INTEGER PRIMARY KEY, profile_id INTEGER REFERENCES profile(id),
        text TEXT NOT NULL UNIQUE, question_type TEXT NOT NULL, difficulty_level INTEGER DEFAULT 1,
        engagement_factor REAL DEFAULT 0.5,
        primary_dimension_id INTEGER REFERENCES dimensions(id), metadata TEXT,
        active INTEGER DEFAULT 1, times_asked INTEGER DEFAULT 0, avg_response_time REAL,
        created_at TEXT);
INSERT INTO "questions" VALUES(1,NULL,'A walk or a book?','choice',1,0.5,1,'{"effort_s":8.0}',1,1,NULL,'2026-03-02T08:00:00.000000+00:00');
CREATE TABLE recommendations (
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL REFERENCES profile(id),
        recommendation_type TEXT NOT NULL, title TEXT NOT NULL, description TEXT, priority REAL,
        confidence REAL, based_on_pattern_ids TEXT, status TEXT NOT NULL, created_at TEXT,
        responded_at TEXT, metadata TEXT);
INSERT INTO "recommendations" VALUES(1,1,'learn','Read with Ann','because',0.5,0.6,'[1]','accepted','2026-03-02T08:00:00.000000+00:00','2026-03-02T09:30:00.000000+00:00','{"day":"2026-03-02","details":{"gain":0.5},"edit":{"duration_min":45},"end":"2026-03-02T09:30:00.000000+00:00","intensity":"normal","reasons":[{"evidence":[{"id":1,"table":"records","text":"Lunch"}],"kind":"pattern","ref":"VAL_GROWTH","text":"because","weight":0.5}],"start":"2026-03-02T08:00:00.000000+00:00","target":{"id":1,"kind":"person","name":"Ann Berg"},"twind":1,"would_change":""}');
CREATE TABLE records (
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL, source TEXT NOT NULL,
        uid TEXT NOT NULL, kind TEXT NOT NULL, grp TEXT NOT NULL, digest TEXT NOT NULL,
        payload TEXT NOT NULL, start_at TEXT, end_at TEXT, row_id INTEGER,
        first_seen_at TEXT NOT NULL, changed_at TEXT NOT NULL,
        UNIQUE (profile_id, source, uid));
INSERT INTO "records" VALUES(1,1,'calendar','lunch/20260302T080000Z','event','a.ics','d1','{"all_day":false,"attendees":[{"email":"ann@example.org","name":"Ann","status":"accepted"}],"busy":true,"categories":["food"],"description":"Two\nlines","end":"2026-03-02T09:30:00.000000+00:00","location":"Caf\u00e9","organizer":"me@example.org","series":"lunch","start":"2026-03-02T08:00:00.000000+00:00","status":"confirmed","title":"Lunch \u201cat Zo\u00eb\u2019s\u201d"}','2026-03-02T08:00:00.000000+00:00','2026-03-02T09:30:00.000000+00:00',NULL,'2026-03-02T08:00:00.000000+00:00','2026-03-02T08:00:00.000000+00:00');
INSERT INTO "records" VALUES(2,1,'tasks','t','task','todo.txt','d2','{"completed_at":null,"contexts":["home"],"created_at":"2026-03-02T08:00:00.000000+00:00","description":"","due":"2026-03-02T08:00:00.000000+00:00","estimate_min":90.0,"priority":0.8,"progress":null,"project":"p","recurrence":"","rescheduled":1,"series":"","spent_min":null,"start":null,"status":"open","title":"Write"}','2026-03-02T08:00:00.000000+00:00',NULL,1,'2026-03-02T08:00:00.000000+00:00','2026-03-02T08:00:00.000000+00:00');
INSERT INTO "records" VALUES(3,1,'contacts','ann','person','p.vcf','d3','{"birthday":"1990-05-17","emails":["ann@example.org"],"groups":[],"name":"Ann Berg","note":"","organisation":"","phones":["+49 30 1234567"],"related":["spouse: Bo"]}',NULL,NULL,1,'2026-03-02T08:00:00.000000+00:00','2026-03-02T08:00:00.000000+00:00');
CREATE TABLE responses (
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL REFERENCES profile(id),
        question_id INTEGER NOT NULL REFERENCES questions(id),
        answer_option_id INTEGER REFERENCES answer_options(id), response_type TEXT NOT NULL,
        response_time_ms INTEGER, confidence_level REAL, created_at TEXT, session_id TEXT,
        metadata TEXT);
INSERT INTO "responses" VALUES(1,1,1,1,'selected',4200,1.0,'2026-03-02T08:00:00.000000+00:00','s','{}');
CREATE TABLE same_person (
        profile_id INTEGER NOT NULL, source_a TEXT NOT NULL, uid_a TEXT NOT NULL,
        source_b TEXT NOT NULL, uid_b TEXT NOT NULL, same INTEGER NOT NULL,
        decided_at TEXT NOT NULL,
        PRIMARY KEY (profile_id, source_a, uid_a, source_b, uid_b));
INSERT INTO "same_person" VALUES(1,'contacts','ann','other','a',1,'2026-03-02T08:00:00.000000+00:00');
CREATE TABLE source_errors (
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL, source TEXT NOT NULL,
        uid TEXT NOT NULL, grp TEXT NOT NULL, reason TEXT NOT NULL, seen_at TEXT NOT NULL,
        first_seen_at TEXT);
INSERT INTO "source_errors" VALUES(1,1,'calendar','bad','a.ics','no start','2026-03-02T09:30:00.000000+00:00','2026-03-02T08:00:00.000000+00:00');
CREATE TABLE sources (
        profile_id INTEGER NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL DEFAULT '{}',
        window_start TEXT, window_end TEXT, records INTEGER NOT NULL DEFAULT 0,
        last_run_at TEXT, last_ok_at TEXT, last_error TEXT, needs_user INTEGER NOT NULL DEFAULT 0,
        trouble TEXT, trouble_since TEXT, held_since TEXT, held_upto INTEGER,
        accepted INTEGER NOT NULL DEFAULT 0, more_errors INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (profile_id, name));
INSERT INTO "sources" VALUES(1,'calendar','{"format":2}','2026-03-02T08:00:00.000000+00:00','2026-03-02T09:30:00.000000+00:00',1,'2026-03-02T09:30:00.000000+00:00','2026-03-02T08:00:00.000000+00:00','it holds 12 back',0,'held','2026-03-02T08:00:00.000000+00:00','2026-03-02T08:00:00.000000+00:00',1,0,4);
CREATE TABLE spent_ids (table_name TEXT PRIMARY KEY, id INTEGER NOT NULL);
INSERT INTO "spent_ids" VALUES('entities',2);
CREATE TABLE twind_migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL);
INSERT INTO "twind_migrations" VALUES('first_tables','2026-03-02T08:00:00.000Z');
INSERT INTO "twind_migrations" VALUES('health_and_links','2026-03-02T08:00:00.000Z');
INSERT INTO "twind_migrations" VALUES('channels','2026-03-02T08:00:00.000Z');
INSERT INTO "twind_migrations" VALUES('steps_by_workflow','2026-03-02T08:00:00.000Z');
INSERT INTO "twind_migrations" VALUES('when_models_served','2026-03-02T08:00:00.000Z');
INSERT INTO "twind_migrations" VALUES('checkins','2026-03-02T08:00:00.000Z');
INSERT INTO "twind_migrations" VALUES('words','2026-03-02T08:00:00.000Z');
INSERT INTO "twind_migrations" VALUES('changes','2026-03-02T08:00:00.000Z');
INSERT INTO "twind_migrations" VALUES('erased','2026-03-02T08:00:00.000Z');
INSERT INTO "twind_migrations" VALUES('spent_ids','2026-03-02T08:00:00.000Z');
CREATE TABLE words (
        id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL, kind TEXT NOT NULL,
        subject TEXT NOT NULL, value REAL, text TEXT NOT NULL DEFAULT '', at TEXT NOT NULL,
        UNIQUE (profile_id, kind, subject));
INSERT INTO "words" VALUES(1,1,'pin','VAL_GROWTH',0.5,'Values: growth','2026-03-02T08:00:00.000000+00:00');
CREATE TABLE workflow_steps (
        id INTEGER PRIMARY KEY,
        workflow_id INTEGER NOT NULL REFERENCES workflows(id) ON DELETE CASCADE,
        step_order INTEGER, description TEXT NOT NULL, status TEXT, due_date TEXT,
        completed_at TEXT, metadata TEXT);
INSERT INTO "workflow_steps" VALUES(1,1,1,'Write','pending','2026-03-02T08:00:00.000000+00:00',NULL,'{"estimate_min":90.0,"origin":"tasks"}');
INSERT INTO "workflow_steps" VALUES(2,1,2,'Outline','completed',NULL,'2026-03-02T08:00:00.000000+00:00','{}');
CREATE TABLE workflows (
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL REFERENCES profile(id),
        name TEXT NOT NULL, workflow_type TEXT NOT NULL, status TEXT NOT NULL,
        created_from_responses TEXT, metadata TEXT);
INSERT INTO "workflows" VALUES(1,1,'Thesis','project','active',NULL,'{"origin":"tasks","priority":0.8}');
CREATE INDEX records_by_time ON records (profile_id, kind, start_at);
CREATE INDEX records_by_row ON records (kind, row_id);
CREATE INDEX steps_by_workflow ON workflow_steps (workflow_id, step_order);
CREATE INDEX event_people_by_entity ON event_people (entity_id);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE UNIQUE INDEX jobs_by_key ON jobs (key) WHERE key IS NOT NULL;
CREATE INDEX feedback_by_proposal ON feedback (recommendation_id);
CREATE INDEX source_errors_by_source ON source_errors (profile_id, source);
CREATE TRIGGER twind_log_profile_insert AFTER INSERT ON profile BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'profile', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_profile_update AFTER UPDATE ON profile WHEN OLD."id" IS NOT NEW."id" OR OLD."created_at" IS NOT NEW."created_at" OR OLD."updated_at" IS NOT NEW."updated_at" OR OLD."total_responses" IS NOT NEW."total_responses" OR OLD."engagement_score" IS NOT NEW."engagement_score" OR OLD."learning_version" IS NOT NEW."learning_version" OR OLD."metadata" IS NOT NEW."metadata" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'profile', 'update', NEW.id); END;
CREATE TRIGGER twind_log_profile_delete AFTER DELETE ON profile BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'profile', 'delete', OLD.id); END;
CREATE TRIGGER twind_log_questions_insert AFTER INSERT ON questions BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'questions', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_questions_update AFTER UPDATE ON questions WHEN OLD."id" IS NOT NEW."id" OR OLD."profile_id" IS NOT NEW."profile_id" OR OLD."text" IS NOT NEW."text" OR OLD."question_type" IS NOT NEW."question_type" OR OLD."difficulty_level" IS NOT NEW."difficulty_level" OR OLD."engagement_factor" IS NOT NEW."engagement_factor" OR OLD."primary_dimension_id" IS NOT NEW."primary_dimension_id" OR OLD."metadata" IS NOT NEW."metadata" OR OLD."active" IS NOT NEW."active" OR OLD."times_asked" IS NOT NEW."times_asked" OR OLD."avg_response_time" IS NOT NEW."avg_response_time" OR OLD."created_at" IS NOT NEW."created_at" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'questions', 'update', NEW.id); END;
CREATE TRIGGER twind_log_questions_delete AFTER DELETE ON questions BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'questions', 'delete', OLD.id); END;
CREATE TRIGGER twind_log_responses_insert AFTER INSERT ON responses BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'responses', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_responses_update AFTER UPDATE ON responses WHEN OLD."id" IS NOT NEW."id" OR OLD."profile_id" IS NOT NEW."profile_id" OR OLD."question_id" IS NOT NEW."question_id" OR OLD."answer_option_id" IS NOT NEW."answer_option_id" OR OLD."response_type" IS NOT NEW."response_type" OR OLD."response_time_ms" IS NOT NEW."response_time_ms" OR OLD."confidence_level" IS NOT NEW."confidence_level" OR OLD."created_at" IS NOT NEW."created_at" OR OLD."session_id" IS NOT NEW."session_id" OR OLD."metadata" IS NOT NEW."metadata" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'responses', 'update', NEW.id); END;
CREATE TRIGGER twind_log_responses_delete AFTER DELETE ON responses BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'responses', 'delete', OLD.id); END;
CREATE TRIGGER twind_log_patterns_insert AFTER INSERT ON patterns BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'patterns', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_patterns_update AFTER UPDATE ON patterns WHEN OLD."id" IS NOT NEW."id" OR OLD."profile_id" IS NOT NEW."profile_id" OR OLD."pattern_type" IS NOT NEW."pattern_type" OR OLD."dimension_id" IS NOT NEW."dimension_id" OR OLD."aspect_id" IS NOT NEW."aspect_id" OR OLD."confidence" IS NOT NEW."confidence" OR OLD."strength" IS NOT NEW."strength" OR OLD."evidence_count" IS NOT NEW."evidence_count" OR OLD."impact_score" IS NOT NEW."impact_score" OR OLD."first_detected" IS NOT NEW."first_detected" OR OLD."last_updated" IS NOT NEW."last_updated" OR OLD."metadata" IS NOT NEW."metadata" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'patterns', 'update', NEW.id); END;
CREATE TRIGGER twind_log_patterns_delete AFTER DELETE ON patterns BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'patterns', 'delete', OLD.id); END;
CREATE TRIGGER twind_log_entities_insert AFTER INSERT ON entities BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'entities', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_entities_update AFTER UPDATE ON entities WHEN OLD."id" IS NOT NEW."id" OR OLD."profile_id" IS NOT NEW."profile_id" OR OLD."entity_type" IS NOT NEW."entity_type" OR OLD."name" IS NOT NEW."name" OR OLD."description" IS NOT NEW."description" OR OLD."created_at" IS NOT NEW."created_at" OR OLD."metadata" IS NOT NEW."metadata" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'entities', 'update', NEW.id); END;
CREATE TRIGGER twind_log_entities_delete AFTER DELETE ON entities BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'entities', 'delete', OLD.id); END;
CREATE TRIGGER twind_log_entity_attributes_insert AFTER INSERT ON entity_attributes BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'entity_attributes', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_entity_attributes_update AFTER UPDATE ON entity_attributes WHEN OLD."id" IS NOT NEW."id" OR OLD."profile_id" IS NOT NEW."profile_id" OR OLD."entity_id" IS NOT NEW."entity_id" OR OLD."attribute_type" IS NOT NEW."attribute_type" OR OLD."aspect_id" IS NOT NEW."aspect_id" OR OLD."value" IS NOT NEW."value" OR OLD."text_value" IS NOT NEW."text_value" OR OLD."confidence" IS NOT NEW."confidence" OR OLD."last_updated" IS NOT NEW."last_updated" OR OLD."metadata" IS NOT NEW."metadata" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'entity_attributes', 'update', NEW.id); END;
CREATE TRIGGER twind_log_entity_attributes_delete AFTER DELETE ON entity_attributes BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'entity_attributes', 'delete', OLD.id); END;
CREATE TRIGGER twind_log_workflows_insert AFTER INSERT ON workflows BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'workflows', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_workflows_update AFTER UPDATE ON workflows WHEN OLD."id" IS NOT NEW."id" OR OLD."profile_id" IS NOT NEW."profile_id" OR OLD."name" IS NOT NEW."name" OR OLD."workflow_type" IS NOT NEW."workflow_type" OR OLD."status" IS NOT NEW."status" OR OLD."created_from_responses" IS NOT NEW."created_from_responses" OR OLD."metadata" IS NOT NEW."metadata" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'workflows', 'update', NEW.id); END;
CREATE TRIGGER twind_log_workflows_delete AFTER DELETE ON workflows BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'workflows', 'delete', OLD.id); END;
CREATE TRIGGER twind_log_workflow_steps_insert AFTER INSERT ON workflow_steps BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'workflow_steps', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_workflow_steps_update AFTER UPDATE ON workflow_steps WHEN OLD."id" IS NOT NEW."id" OR OLD."workflow_id" IS NOT NEW."workflow_id" OR OLD."step_order" IS NOT NEW."step_order" OR OLD."description" IS NOT NEW."description" OR OLD."status" IS NOT NEW."status" OR OLD."due_date" IS NOT NEW."due_date" OR OLD."completed_at" IS NOT NEW."completed_at" OR OLD."metadata" IS NOT NEW."metadata" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'workflow_steps', 'update', NEW.id); END;
CREATE TRIGGER twind_log_workflow_steps_delete AFTER DELETE ON workflow_steps BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'workflow_steps', 'delete', OLD.id); END;
CREATE TRIGGER twind_log_recommendations_insert AFTER INSERT ON recommendations BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'recommendations', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_recommendations_update AFTER UPDATE ON recommendations WHEN OLD."id" IS NOT NEW."id" OR OLD."profile_id" IS NOT NEW."profile_id" OR OLD."recommendation_type" IS NOT NEW."recommendation_type" OR OLD."title" IS NOT NEW."title" OR OLD."description" IS NOT NEW."description" OR OLD."priority" IS NOT NEW."priority" OR OLD."confidence" IS NOT NEW."confidence" OR OLD."based_on_pattern_ids" IS NOT NEW."based_on_pattern_ids" OR OLD."status" IS NOT NEW."status" OR OLD."created_at" IS NOT NEW."created_at" OR OLD."responded_at" IS NOT NEW."responded_at" OR OLD."metadata" IS NOT NEW."metadata" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'recommendations', 'update', NEW.id); END;
CREATE TRIGGER twind_log_recommendations_delete AFTER DELETE ON recommendations BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'recommendations', 'delete', OLD.id); END;
CREATE TRIGGER twind_log_records_insert AFTER INSERT ON records BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'records', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_records_update AFTER UPDATE ON records WHEN OLD."id" IS NOT NEW."id" OR OLD."profile_id" IS NOT NEW."profile_id" OR OLD."source" IS NOT NEW."source" OR OLD."uid" IS NOT NEW."uid" OR OLD."kind" IS NOT NEW."kind" OR OLD."grp" IS NOT NEW."grp" OR OLD."digest" IS NOT NEW."digest" OR OLD."payload" IS NOT NEW."payload" OR OLD."start_at" IS NOT NEW."start_at" OR OLD."end_at" IS NOT NEW."end_at" OR OLD."row_id" IS NOT NEW."row_id" OR OLD."first_seen_at" IS NOT NEW."first_seen_at" OR OLD."changed_at" IS NOT NEW."changed_at" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'records', 'update', NEW.id); END;
CREATE TRIGGER twind_log_records_delete AFTER DELETE ON records BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'records', 'delete', OLD.id); END;
CREATE TRIGGER twind_log_feedback_insert AFTER INSERT ON feedback BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'feedback', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_feedback_update AFTER UPDATE ON feedback WHEN OLD."id" IS NOT NEW."id" OR OLD."profile_id" IS NOT NEW."profile_id" OR OLD."recommendation_id" IS NOT NEW."recommendation_id" OR OLD."action" IS NOT NEW."action" OR OLD."reason" IS NOT NEW."reason" OR OLD."start_at" IS NOT NEW."start_at" OR OLD."duration_min" IS NOT NEW."duration_min" OR OLD."until_at" IS NOT NEW."until_at" OR OLD."created_at" IS NOT NEW."created_at" OR OLD."undone_at" IS NOT NEW."undone_at" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'feedback', 'update', NEW.id); END;
CREATE TRIGGER twind_log_feedback_delete AFTER DELETE ON feedback BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'feedback', 'delete', OLD.id); END;
CREATE TRIGGER twind_log_checkins_insert AFTER INSERT ON checkins BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'checkins', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_checkins_update AFTER UPDATE ON checkins WHEN OLD."id" IS NOT NEW."id" OR OLD."profile_id" IS NOT NEW."profile_id" OR OLD."at" IS NOT NEW."at" OR OLD."energy" IS NOT NEW."energy" OR OLD."note" IS NOT NEW."note" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'checkins', 'update', NEW.id); END;
CREATE TRIGGER twind_log_checkins_delete AFTER DELETE ON checkins BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'checkins', 'delete', OLD.id); END;
CREATE TRIGGER twind_log_words_insert AFTER INSERT ON words BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'words', 'insert', NEW.id); END;
CREATE TRIGGER twind_log_words_update AFTER UPDATE ON words WHEN OLD."id" IS NOT NEW."id" OR OLD."profile_id" IS NOT NEW."profile_id" OR OLD."kind" IS NOT NEW."kind" OR OLD."subject" IS NOT NEW."subject" OR OLD."value" IS NOT NEW."value" OR OLD."text" IS NOT NEW."text" OR OLD."at" IS NOT NEW."at" BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'words', 'update', NEW.id); END;
CREATE TRIGGER twind_log_words_delete AFTER DELETE ON words BEGIN INSERT INTO change_log (at, table_name, op, row_id) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'words', 'delete', OLD.id); END;
CREATE TRIGGER twind_spent_profile AFTER DELETE ON profile WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('profile', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_dimensions AFTER DELETE ON dimensions WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('dimensions', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_aspects AFTER DELETE ON aspects WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('aspects', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_questions AFTER DELETE ON questions WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('questions', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_answer_options AFTER DELETE ON answer_options WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('answer_options', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_responses AFTER DELETE ON responses WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('responses', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_patterns AFTER DELETE ON patterns WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('patterns', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_entities AFTER DELETE ON entities WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('entities', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_entity_attributes AFTER DELETE ON entity_attributes WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('entity_attributes', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_workflows AFTER DELETE ON workflows WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('workflows', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_workflow_steps AFTER DELETE ON workflow_steps WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('workflow_steps', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_recommendations AFTER DELETE ON recommendations WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('recommendations', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_records AFTER DELETE ON records WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('records', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_changes AFTER DELETE ON changes WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('changes', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_checkins AFTER DELETE ON checkins WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('checkins', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
CREATE TRIGGER twind_spent_words AFTER DELETE ON words WHEN OLD.id IS NOT NULL BEGIN INSERT INTO spent_ids VALUES ('words', OLD.id) ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('change_log',19);
INSERT INTO "sqlite_sequence" VALUES('jobs',2);
INSERT INTO "sqlite_sequence" VALUES('outbox',2);
INSERT INTO "sqlite_sequence" VALUES('feedback',2);
INSERT INTO "sqlite_sequence" VALUES('words',1);
INSERT INTO "sqlite_sequence" VALUES('changes',1);
INSERT INTO "sqlite_sequence" VALUES('checkins',1);
INSERT INTO "sqlite_sequence" VALUES('models',2);
COMMIT;
