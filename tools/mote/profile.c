/* profile.c - time by node, by operator and kernel, and as a Chrome trace
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "print.h"
#include "profile.h"
#include "files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TRACE = 200000 };

void profile_init(profile *p) { *p = (profile){0}; }

void profile_deinit(profile *p)
{
    free(p->rows);
    free(p->last);
    *p = (profile){0};
}

void profile_reset(profile *p) { p->n = p->at = p->n_last = 0; }

void profile_begin_run(profile *p)
{
    p->at = 0;
    p->n_last = 0;
}

static bool same(const profile_row *r, const mote_profile_event *e)
{
    return r->name == e->name && r->op == e->op && r->kernel == e->kernel && r->depth == e->depth;
}

void profile_event(void *ctx, const mote_profile_event *e)
{
    profile *p = ctx;
    if (p->n_last < MAX_TRACE) {
        if (p->n_last == p->cap_last) {
            size_t cap = p->cap_last == 0 ? 1024 : p->cap_last * 2;
            mote_profile_event *grown = realloc(p->last, cap * sizeof *grown);
            if (grown != NULL) {
                p->last = grown;
                p->cap_last = cap;
            }
        }
        if (p->n_last < p->cap_last)
            p->last[p->n_last++] = *e;
    }
    /* runs repeat the same sequence: the next row is nearly always the right one */
    size_t i = p->at < p->n && same(&p->rows[p->at], e) ? p->at : 0;
    while (i < p->n && !same(&p->rows[i], e))
        i++;
    if (i == p->n) {
        if (p->n == p->cap) {
            size_t cap = p->cap == 0 ? 256 : p->cap * 2;
            profile_row *grown = realloc(p->rows, cap * sizeof *grown);
            if (grown == NULL) {
                p->failed = true;
                return;
            }
            p->rows = grown;
            p->cap = cap;
        }
        p->rows[p->n++] = (profile_row){e->name, e->op, e->kernel, e->depth, 0, 0};
    }
    p->rows[i].calls++;
    p->rows[i].total_ns += e->end_ns - e->start_ns;
    p->at = i + 1;
}

static int by_time(const void *a, const void *b)
{
    const profile_row *x = a, *y = b;
    return x->total_ns < y->total_ns ? 1 : x->total_ns > y->total_ns ? -1 : 0;
}

/* Rows of the main graph summed by operator and kernel, most expensive first. */
static profile_row *by_operator(const profile *p, size_t *n)
{
    profile_row *sum = calloc(p->n + 1, sizeof *sum);
    *n = 0;
    for (size_t i = 0; sum != NULL && i < p->n; i++) {
        size_t k = 0;
        while (k < *n && !(strcmp(sum[k].op, p->rows[i].op) == 0 && strcmp(sum[k].kernel, p->rows[i].kernel) == 0 && sum[k].depth == p->rows[i].depth))
            k++;
        if (k == *n)
            sum[(*n)++] = (profile_row){"", p->rows[i].op, p->rows[i].kernel, p->rows[i].depth, 0, 0};
        sum[k].calls += p->rows[i].calls;
        sum[k].total_ns += p->rows[i].total_ns;
    }
    if (sum != NULL)
        qsort(sum, *n, sizeof *sum, by_time);
    return sum;
}

static json_t *row_json(const profile_row *r, size_t runs, bool name)
{
    json_t *j = json_pack("{s:s, s:s, s:i, s:f, s:f}", "op", r->op, "kernel", r->kernel, "depth", (int)r->depth, "calls_per_run",
                          (double)r->calls / (double)runs, "ms_per_run", (double)r->total_ns * 1e-6 / (double)runs);
    if (name && json_object_set_new(j, "node", json_string(r->name)) != 0)
        json_object_set_new(j, "node", json_string("?"));
    return j;
}

json_t *profile_json(const profile *p, size_t runs)
{
    json_t *j = json_object(), *ops = json_array(), *nodes = json_array();
    size_t n;
    profile_row *sum = by_operator(p, &n);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(ops, row_json(&sum[i], runs, false));
    for (size_t i = 0; i < p->n; i++)
        json_array_append_new(nodes, row_json(&p->rows[i], runs, true));
    free(sum);
    json_object_set_new(j, "operators", ops);
    json_object_set_new(j, "nodes", nodes);
    return j;
}

void profile_print(const profile *p, size_t runs)
{
    size_t n;
    profile_row *sum = by_operator(p, &n);
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += sum[i].depth == 0 ? sum[i].total_ns : 0;
    printf("\n%-24s %-36s %7s %12s %7s\n", "operator", "kernel", "calls", "ms per run", "share");
    for (size_t i = 0; i < n; i++)
        printf("%*s%-*s %-36s %7.0f %12.4f %6.1f%%\n", (int)sum[i].depth * 2, "", 24 - (int)sum[i].depth * 2, visible_c(sum[i].op), sum[i].kernel,
               (double)sum[i].calls / (double)runs, (double)sum[i].total_ns * 1e-6 / (double)runs,
               total == 0 ? 0 : 100 * (double)sum[i].total_ns / (double)total);
    free(sum);
    profile_row *rows = malloc((p->n + 1) * sizeof *rows);
    if (rows == NULL)
        return;
    if (p->n != 0)
        memcpy(rows, p->rows, p->n * sizeof *rows);
    qsort(rows, p->n, sizeof *rows, by_time);
    printf("\nthe most expensive nodes\n");
    for (size_t i = 0; i < p->n && i < 15; i++)
        printf("%-24s %-36s %10.4f ms  %s\n", visible_c(rows[i].op), rows[i].kernel, (double)rows[i].total_ns * 1e-6 / (double)runs, visible_c(rows[i].name));
    free(rows);
}

mote_status profile_write_trace(const profile *p, const char *path, bool overwrite, mote_diag *diag)
{
    json_t *events = json_array();
    for (size_t i = 0; i < p->n_last; i++) {
        const mote_profile_event *e = &p->last[i];
        json_t *j = json_pack("{s:s, s:s, s:s, s:i, s:i, s:f, s:f}", "name", e->name[0] ? e->name : e->op, "cat", e->op, "ph", "X", "pid", 1, "tid", 1, "ts",
                              (double)e->start_ns * 1e-3, "dur", (double)(e->end_ns - e->start_ns) * 1e-3);
        if (j == NULL) /* a name that is not UTF-8 */
            j = json_pack("{s:s, s:s, s:i, s:i, s:f, s:f}", "name", e->op, "ph", "X", "pid", 1, "tid", 1, "ts", (double)e->start_ns * 1e-3, "dur",
                          (double)(e->end_ns - e->start_ns) * 1e-3);
        json_object_set_new(j, "args", json_pack("{s:s, s:s}", "op", e->op, "kernel", e->kernel));
        json_array_append_new(events, j);
    }
    json_t *root = json_pack("{s:o, s:s}", "traceEvents", events, "displayTimeUnit", "ms");
    char *text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(root);
    if (text == NULL)
        return MOTE_NO_MEMORY(diag, p->n_last);
    mote_status status = file_write(path, text, strlen(text), overwrite, diag);
    free(text);
    return status;
}
