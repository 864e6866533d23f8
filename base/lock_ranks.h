/* lock_ranks.h - every lock of the tree in the order in which a thread may take them.
 * X(rank, what it guards). A thread that holds one row may take only rows below it.
 * No include guard: see lock.h. */
X(LOCK_RANK_RELOAD,        "configuration snapshots")
X(LOCK_RANK_HTTP_SERVER,   "open connections and requests of a server")
X(LOCK_RANK_TENANTS,       "tenant name -> database")
X(LOCK_RANK_DB_MAINTAIN,   "one maintenance pass of a database at a time")
X(LOCK_RANK_DB_VIEWS,      "which blocks a reader sees")
X(LOCK_RANK_HEAD_CREATE,   "birth of series: pairs, postings, slots")
X(LOCK_RANK_HEAD_CLAIMS,   "waiting for a series that another append has claimed")
X(LOCK_RANK_HEAD_MAPPED,   "chunks_head files: writer and list of mappings")
X(LOCK_RANK_WAL_QUEUE,     "records that wait for the log's leader")
X(LOCK_RANK_EPOCH,         "memory that waits for its last reader")
X(LOCK_RANK_POOL,          "queue of a worker pool")
X(LOCK_RANK_QUEUE,         "a bounded queue")
X(LOCK_RANK_LOOP,          "functions posted to an event loop")
X(LOCK_RANK_METRICS,       "the registry: families and their children")
X(LOCK_RANK_LOG,           "the log's output")
X(LOCK_RANK_LEAF,          "nothing is taken under it (tests, small caches)")
