/* policy_files.c - looks at times and sizes of files; what has changed is read whole.
 *
 * A look follows symbolic links, so that a volume whose link is turned (Kubernetes) is seen. */
#include "cmd/policy_files.h"

#include "base/mem.h"
#include "receiver/policy.h"

static bool
is_given(const struct policy_file *file)
{
    return file->content.path.n > 0 || file->content.text.n > 0;
}

/* True when the file is another than at the last look; one that is not there has no time. */
static bool
look(struct policy_files *f, struct policy_file *file)
{
    struct fs_stat s = {.size_bytes = 0};
    struct err e = fs_stat(f->fs, file->content.path.p, &s);
    bool changed = s.modified_ms != file->modified_ms || s.size_bytes != file->size_bytes;
    err_drop(e); /* reading it says the same */
    file->modified_ms = s.modified_ms;
    file->size_bytes = s.size_bytes;
    return changed;
}

static struct err
load(struct policy_files *f, struct policy_file *file)
{
    AUTO(arena_fini) struct arena a = {0};
    struct str text = STR("");
    if (file->content.path.n > 0)
        (void)look(f, file); /* before it is read: a change meanwhile is seen next time */
    TRY_IN(flags_read_content(f->fs, &file->content, &a, &text), "--%s", file->flag);
    TRY_IN(file->set(f->policy, text), "--%s", file->flag);
    if (policy_asks_meta_monitoring(f->policy) && file->set == policy_set_limits)
        log_warn(f->log, "meta_monitoring_url is not asked: series of heads are counted here",
                 KV_CSTR("flag", file->flag));
    return OK;
}

struct err
policy_files_init(struct policy_files *f, struct policy *policy, const struct policy_texts *texts,
                  struct log *log)
{
    *f = (struct policy_files){
        .policy = policy,
        .fs = fs_posix(),
        .clock = clock_system(),
        .log = log,
        .look_ms = texts->look_ms,
        .files = {{.flag = "receive.relabel-config",
                   .content = texts->relabel,
                   .set = policy_set_relabel},
                  {.flag = "receive.limits-config",
                   .content = texts->limits,
                   .set = policy_set_limits}},
    };
    f->looked_ns = clock_mono_ns(f->clock);
    for (size_t i = 0; i < POLICY_FILES; i++) {
        if (is_given(&f->files[i]))
            TRY(load(f, &f->files[i]));
    }
    return OK;
}

static void
reload_changed(struct policy_files *f, struct policy_file *file)
{
    if (file->content.path.n == 0 || !look(f, file))
        return;
    struct err e = load(f, file);
    if (e.code != ERR_NONE)
        log_error(f->log, "reload failed, the old configuration stays", KV_ERR(e));
    else
        log_info(f->log, "configuration reloaded", KV_STR("file", file->content.path));
    err_drop(e);
}

void
policy_files_tick(struct policy_files *f)
{
    uint64_t now_ns = clock_mono_ns(f->clock);
    if (now_ns - f->looked_ns < (uint64_t)f->look_ms * 1000000 / 2) /* ticks are a second apart */
        return;
    f->looked_ns = now_ns;
    for (size_t i = 0; i < POLICY_FILES; i++)
        reload_changed(f, &f->files[i]);
}

struct err
policy_files_reload(struct policy_files *f)
{
    struct err first = OK;
    for (size_t i = 0; i < POLICY_FILES; i++) {
        struct err e = is_given(&f->files[i]) ? load(f, &f->files[i]) : OK;
        if (first.code == ERR_NONE)
            first = e;
        else
            err_drop(e);
    }
    return first;
}
