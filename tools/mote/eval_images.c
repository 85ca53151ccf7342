/* eval_images.c - a folder of labelled pictures: top-1, top-5
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "eval.h"
#include "files.h"
#include <stdlib.h>
#include <string.h>

enum { TABLE_LIMIT = 256 << 20 };

bool eval_class(const feed *f, const char *text, int64_t *out)
{
    char *end;
    *out = strtoll(text, &end, 10);
    if (end != text && *end == 0)
        return true;
    const char *label = feed_label(f, 0);
    for (int64_t i = 0; label != NULL; label = feed_label(f, ++i))
        if (strcmp(label, text) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static mote_status one_picture(eval *e, const char *file, int64_t right, eval_tops *t, mote_diag *diag)
{
    char path[sizeof e->at];
    picture p;
    mote_class best;
    MOTE_REQUIRE(feed_stays_below(file), diag, MOTE_E_PATH, "labels.csv names '%s', outside its folder", file);
    MOTE_REQUIRE((size_t)snprintf(path, sizeof path, "%s/%s", e->data, file) < sizeof path, diag, MOTE_E_ARGUMENT, "a path of more than %zu bytes", sizeof path);
    memcpy(e->at, path, strlen(path) + 1);
    MOTE_TRY(picture_read(path, &p, diag));
    mote_status status = feed_picture(&e->f, NULL, &p, NULL, diag);
    picture_free(&p);
    MOTE_TRY(status);
    e->at[0] = 0;
    MOTE_TRY(eval_run(e, diag));
    MOTE_TRY(eval_count(e, right, t, &best, diag));
    if (e->predictions != NULL)
        fprintf(e->predictions, "%s,%lld,%lld,%.9g\n", file, (long long)right, (long long)best.index, (double)best.score);
    return MOTE_OK;
}

/* Lines of file,class; a first line whose class is "class" or "label" is a heading. */
static mote_status run_table(eval *e, char *text, eval_tops *t, mote_diag *diag)
{
    size_t lines = 0, line = 0;
    for (const char *p = text; *p != 0; p++)
        lines += *p == '\n';
    char *save = NULL;
    for (char *at = strtok_r(text, "\n", &save); at != NULL && t->n < e->limit; at = strtok_r(NULL, "\n", &save)) {
        line++;
        size_t n = strlen(at);
        if (n > 0 && at[n - 1] == '\r')
            at[--n] = 0;
        char *comma = strchr(at, ',');
        int64_t right;
        if (n == 0 || (line == 1 && comma != NULL && (strcmp(comma + 1, "class") == 0 || strcmp(comma + 1, "label") == 0)))
            continue;
        MOTE_REQUIRE(comma != NULL && comma != at, diag, MOTE_E_FORMAT, "labels.csv, entry %zu: '%.80s' is not file,class", line, at);
        *comma = 0;
        MOTE_REQUIRE(eval_class(&e->f, comma + 1, &right), diag, MOTE_E_FORMAT, "labels.csv, entry %zu: class '%.80s' is neither a number nor a label", line, comma + 1);
        mote_status status = one_picture(e, at, right, t, diag);
        if (status != MOTE_OK && status != MOTE_E_CANCELLED && e->at[0] == 0)
            fprintf(stderr, "mote: %s/%s\n", e->data, at);
        MOTE_TRY(status);
        eval_progress(t->n, e->limit < lines ? e->limit : lines);
    }
    eval_progress(t->n, t->n);
    MOTE_REQUIRE(t->n != 0, diag, MOTE_E_FORMAT, "labels.csv names no picture");
    return MOTE_OK;
}

mote_status eval_images(eval *e, json_t *report, mote_diag *diag)
{
    char path[sizeof e->at];
    void *text;
    size_t n;
    eval_tops t = {0};
    MOTE_REQUIRE((size_t)snprintf(path, sizeof path, "%s/labels.csv", e->data) < sizeof path, diag, MOTE_E_ARGUMENT, "a path of more than %zu bytes", sizeof path);
    memcpy(e->at, path, strlen(path) + 1);
    MOTE_TRY(file_read(path, TABLE_LIMIT, &text, &n, diag));
    e->at[0] = 0;
    if (e->predictions != NULL)
        fputs("file,class,predicted,score\n", e->predictions);
    mote_status status = run_table(e, text, &t, diag);
    free(text);
    eval_report_tops(e, &t, report);
    return status;
}
