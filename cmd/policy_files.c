/* policy_files.c - two flags, each a reloadable. */
#include "cmd/policy_files.h"

#include "base/mem.h"
#include "conf/yaml_show.h"
#include "receiver/policy.h"

/* The text is one that policy has just taken. */
static void
remember(struct policy_file *file, struct arena *a, struct str text)
{
    const struct yaml_node *root;
    struct err e = yaml_parse(a, text, &root);
    buf_clear(&file->shown);
    if (e.code == ERR_NONE)
        yaml_show(root, &file->shown);
    err_drop(e);
}

static void
show(void *arg, struct buf *to)
{
    struct policy_file *file = arg;
    buf_append(to, buf_str(&file->shown));
}

static struct err
load(void *arg)
{
    struct policy_file *file = arg;
    AUTO(arena_fini) struct arena a = {0};
    struct str text = STR("");
    TRY_IN(flags_read_content(fs_posix(), &file->content, &a, &text), "--%s", file->flag);
    TRY_IN(file->set(file->policy, text), "--%s", file->flag);
    remember(file, &a, text);
    return OK;
}

struct err
policy_files_init(struct policy_files *f, struct policy *policy, const struct policy_texts *texts,
                  struct reloads *reloads)
{
    f->files[0] = (struct policy_file){
        .flag = "receive.relabel-config", .content = texts->relabel, .set = policy_set_relabel};
    f->files[1] = (struct policy_file){
        .flag = "receive.limits-config", .content = texts->limits, .set = policy_set_limits};
    for (size_t i = 0; i < POLICY_FILES; i++) {
        struct policy_file *file = &f->files[i];
        file->policy = policy;
        if (file->content.path.n == 0 && file->content.text.n == 0)
            continue;
        reloads_add(reloads, &(struct reloadable){.name = file->flag,
                                                  .load = load,
                                                  .arg = file,
                                                  .files = {file->content.path.p},
                                                  .interval_ms = texts->look_ms,
                                                  .show = show,
                                                  .show_key = file->flag});
        TRY(load(file));
    }
    return OK;
}

void
policy_files_fini(struct policy_files *f)
{
    for (size_t i = 0; i < POLICY_FILES; i++)
        buf_fini(&f->files[i].shown);
}
