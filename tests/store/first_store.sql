BEGIN TRANSACTION;
CREATE TABLE edits (
	id INTEGER NOT NULL, 
	graph VARCHAR(64) NOT NULL, 
	title TEXT NOT NULL, 
	change TEXT NOT NULL, 
	inverse TEXT NOT NULL, 
	author TEXT NOT NULL, 
	time VARCHAR(32) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "edits" VALUES(1,'13df4201188a185c5dcd2f8723b09e02','label “one”','{"labels": {"feature:0:0:1": {"text": "one", "scope": "occurrence", "provenance": {"origin": "person", "author": "ada", "time": "2026-01-01T00:00:00Z"}}}}','{"labels": {"feature:0:0:1": null}}','ada','2026-11-21T10:44:35Z','done');
INSERT INTO "edits" VALUES(2,'13df4201188a185c5dcd2f8723b09e02','label “mistake”','{"labels": {"feature:0:0:1": {"text": "mistake", "scope": "occurrence", "provenance": {"origin": "person", "author": "ada", "time": "2026-01-01T00:00:00Z"}}}}','{"labels": {"feature:0:0:1": {"text": "one", "scope": "occurrence", "provenance": {"origin": "person", "author": "ada", "time": "2026-01-01T00:00:00Z"}}}}','ada','2026-11-21T10:44:35Z','dropped');
INSERT INTO "edits" VALUES(3,'13df4201188a185c5dcd2f8723b09e02','group “wrong”','{"supernodes": [{"name": "wrong", "members": ["feature:0:2:1", "feature:0:3:1"]}], "pinned": ["feature:0:2:1", "feature:0:3:1"]}','{"supernodes": [], "pinned": []}','ada','2026-11-21T10:44:35Z','dropped');
INSERT INTO "edits" VALUES(4,'13df4201188a185c5dcd2f8723b09e02','label “everywhere”','{"labels": {"0:1": {"text": "everywhere", "scope": "feature", "provenance": {"origin": "person", "author": "ada", "time": "2026-01-01T00:00:00Z"}}}}','{"labels": {"0:1": null}}','ada','2026-11-21T10:44:35Z','done');
INSERT INTO "edits" VALUES(5,'13df4201188a185c5dcd2f8723b09e02','remove label','{"labels": {"feature:0:5:1": null}}','{"labels": {"feature:0:5:1": {"text": "of the file", "scope": "occurrence", "provenance": {"origin": "file"}}}}','ada','2026-11-21T10:44:35Z','done');
INSERT INTO "edits" VALUES(6,'13df4201188a185c5dcd2f8723b09e02','group “group “ü””','{"supernodes": [{"name": "group \u201c\u00fc\u201d", "members": ["feature:0:0:1", "feature:0:1:1"]}], "pinned": ["feature:0:0:1", "feature:0:1:1"]}','{"supernodes": [], "pinned": []}','ada','2026-11-21T10:44:35Z','done');
INSERT INTO "edits" VALUES(7,'13df4201188a185c5dcd2f8723b09e02','note on L0 #2 @1','{"notes": {"feature:0:2:1": "a note"}}','{"notes": {"feature:0:2:1": null}}','bob','2026-11-21T10:44:35Z','done');
INSERT INTO "edits" VALUES(8,'13df4201188a185c5dcd2f8723b09e02','mark accepted','{"reviews": {"feature:0:0:1": "accepted"}}','{"reviews": {"feature:0:0:1": null}}','ada','2026-11-21T10:44:35Z','done');
INSERT INTO "edits" VALUES(9,'13df4201188a185c5dcd2f8723b09e02','pin','{"pinned": ["feature:0:0:1", "feature:0:1:1", "feature:0:4:1"]}','{"pinned": ["feature:0:0:1", "feature:0:1:1"]}','ada','2026-11-21T10:44:35Z','done');
INSERT INTO "edits" VALUES(10,'13df4201188a185c5dcd2f8723b09e02','label “undone”','{"labels": {"feature:0:3:1": {"text": "undone", "scope": "occurrence", "provenance": {"origin": "person", "author": "ada", "time": "2026-01-01T00:00:00Z"}}}}','{"labels": {"feature:0:3:1": null}}','ada','2026-11-21T10:44:35Z','undone');
INSERT INTO "edits" VALUES(11,'13df4201188a185c5dcd2f8723b09e02','note on L0 #3 @1','{"notes": {"feature:0:3:1": "undone too"}}','{"notes": {"feature:0:3:1": null}}','ada','2026-11-21T10:44:35Z','undone');
INSERT INTO "edits" VALUES(12,'ba5fd9c6d84e36aa3e21f8024d4d4e41','label “there”','{"labels": {"feature:0:0:1": {"text": "there", "scope": "occurrence", "provenance": {"origin": "person", "author": "bob", "time": "2026-01-01T00:00:00Z"}}}}','{"labels": {"feature:0:0:1": null}}','bob','2026-11-21T10:44:35Z','done');
CREATE TABLE graphs (
	"key" VARCHAR(64) NOT NULL, 
	slug TEXT NOT NULL, 
	prompt TEXT NOT NULL, 
	first_opened VARCHAR(32) NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "graphs" VALUES('13df4201188a185c5dcd2f8723b09e02','first','a b','2026-11-21T10:44:35Z');
INSERT INTO "graphs" VALUES('ba5fd9c6d84e36aa3e21f8024d4d4e41','second','c d e','2026-11-21T10:44:35Z');
CREATE TABLE migrations (
	name VARCHAR(100) NOT NULL, 
	applied VARCHAR(32) NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "migrations" VALUES('0001_graphs_and_edits','2026-11-21T10:44:35Z');
CREATE INDEX ix_edits_graph ON edits (graph);
COMMIT;
