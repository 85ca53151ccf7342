/* fields.c - fields of a description: kinds, domains, messages that name the field
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/prep/prep.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const mote_json *member(const prep_scope *s, const char *name)
{
    const mote_json *j = mote_json_get(s->object, name);
    return j == NULL || j->kind == MOTE_JSON_NULL ? NULL : j;
}

bool mote_field_there(const prep_scope *s, const char *name) { return member(s, name) != NULL; }

mote_status mote_field_fail(const prep_scope *s, const char *name, const char *fmt, ...)
{
    char what[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    const mote_json *j = mote_json_get(s->object, name);
    return mote_fail(s->diag, MOTE_E_VALUE, "preprocessing: %s%s%s %s (line %u)", s->path, s->path[0] != 0 ? "." : "", name, what,
                     (unsigned)(j != NULL ? j->line : s->object != NULL ? s->object->line : 1));
}

/* What a value is, for "is ..., expected ...". */
static void describe(const mote_json *j, char *to, size_t cap)
{
    if (j->kind == MOTE_JSON_INT)
        snprintf(to, cap, "%lld", (long long)j->u.integer);
    else if (j->kind == MOTE_JSON_REAL)
        snprintf(to, cap, "%.9g", j->u.real);
    else if (j->kind == MOTE_JSON_STRING)
        snprintf(to, cap, "\"%.40s\"", j->u.string.p);
    else if (j->kind == MOTE_JSON_BOOL)
        snprintf(to, cap, "%s", j->u.boolean ? "true" : "false");
    else
        snprintf(to, cap, "%s", mote_json_kind_name(j->kind));
}

static mote_status expected(const prep_scope *s, const char *name, const mote_json *j, const char *what)
{
    char seen[80];
    describe(j, seen, sizeof seen);
    return mote_field_fail(s, name, "is %s, expected %s", seen, what);
}

mote_status mote_field_only(const prep_scope *s, const char *const *names)
{
    for (const mote_json *j = s->object->u.items.first; j != NULL; j = j->next) {
        bool known = j->key.n > 2 && memcmp(j->key.p, "x-", 2) == 0;
        for (const char *const *n = names; *n != NULL && !known; n++)
            known = mote_str_is(j->key, *n);
        MOTE_REQUIRE(known, s->diag, MOTE_E_VALUE, "preprocessing: %s%s%.*s: there is no such field (line %u)", s->path, s->path[0] != 0 ? "." : "",
                     MOTE_STR_ARG(j->key), (unsigned)j->line);
    }
    return MOTE_OK;
}

mote_status mote_field_bool(const prep_scope *s, const char *name, bool *out)
{
    const mote_json *j = member(s, name);
    if (j == NULL)
        return MOTE_OK;
    if (j->kind != MOTE_JSON_BOOL)
        return expected(s, name, j, "true or false");
    *out = j->u.boolean;
    return MOTE_OK;
}

mote_status mote_field_number(const prep_scope *s, const char *name, double low, double high, double *out)
{
    const mote_json *j = member(s, name);
    double x;
    if (j == NULL)
        return MOTE_OK;
    char want[96];
    snprintf(want, sizeof want, "a number from %g to %g", low, high);
    if (!mote_json_number(j, &x) || !(x >= low && x <= high))
        return expected(s, name, j, want);
    *out = x;
    return MOTE_OK;
}

mote_status mote_field_float(const prep_scope *s, const char *name, double low, double high, float *out)
{
    double x = (double)*out;
    MOTE_TRY(mote_field_number(s, name, low, high, &x));
    *out = (float)x;
    return MOTE_OK;
}

mote_status mote_field_integer(const prep_scope *s, const char *name, int64_t low, int64_t high, int64_t *out)
{
    const mote_json *j = member(s, name);
    int64_t x;
    if (j == NULL)
        return MOTE_OK;
    char want[96];
    snprintf(want, sizeof want, "an integer from %lld to %lld", (long long)low, (long long)high);
    if (!mote_json_integer(j, &x) || x < low || x > high)
        return expected(s, name, j, want);
    *out = x;
    return MOTE_OK;
}

mote_status mote_field_side(const prep_scope *s, const char *name, int32_t *out)
{
    int64_t x = *out;
    MOTE_TRY(mote_field_integer(s, name, 1, MOTE_IMAGE_MAX_SIDE, &x));
    *out = (int32_t)x;
    return MOTE_OK;
}

mote_status mote_field_size(const prep_scope *s, const char *name, int64_t high, size_t *out)
{
    int64_t x = (int64_t)*out;
    MOTE_TRY(mote_field_integer(s, name, 1, high, &x));
    *out = (size_t)x;
    return MOTE_OK;
}

mote_status mote_field_string(const prep_scope *s, const char *name, const char **out)
{
    const mote_json *j = member(s, name);
    if (j == NULL)
        return MOTE_OK;
    if (j->kind != MOTE_JSON_STRING || j->u.string.n == 0 || strlen(j->u.string.p) != j->u.string.n)
        return expected(s, name, j, "a string that is not empty and holds no NUL");
    *out = j->u.string.p;
    return MOTE_OK;
}

mote_status mote_field_word(const prep_scope *s, const char *name, const char *const *words, int *out)
{
    const mote_json *j = member(s, name);
    char list[160] = "one of";
    if (j == NULL)
        return MOTE_OK;
    for (int i = 0; words[i] != NULL; i++) {
        if (j->kind == MOTE_JSON_STRING && mote_str_is(j->u.string, words[i])) {
            *out = i;
            return MOTE_OK;
        }
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, " \"%s\"", words[i]);
    }
    return expected(s, name, j, list);
}

mote_status mote_field_numbers(const prep_scope *s, const char *name, size_t n, double *out, bool *there)
{
    const mote_json *j = member(s, name);
    if (j == NULL)
        return MOTE_OK;
    if (j->kind != MOTE_JSON_ARRAY || j->count != n)
        return mote_field_fail(s, name, "is %s of %zu, expected an array of %zu numbers", mote_json_kind_name(j->kind), j->count, n);
    size_t i = 0;
    for (const mote_json *e = j->u.items.first; e != NULL; e = e->next, i++)
        if (!mote_json_number(e, &out[i]))
            return mote_field_fail(s, name, "[%zu] is %s, expected a number", i, mote_json_kind_name(e->kind));
    *there = true;
    return MOTE_OK;
}

mote_status mote_field_object(const prep_scope *s, const char *name, prep_scope *there)
{
    const mote_json *j = member(s, name);
    *there = (prep_scope){NULL, name, s->arena, s->diag};
    if (j == NULL)
        return MOTE_OK;
    if (j->kind != MOTE_JSON_OBJECT)
        return expected(s, name, j, "an object");
    mote_str path = s->path[0] != 0 ? mote_arena_printf(s->arena, "%s.%s", s->path, name) : mote_arena_str(s->arena, mote_str_c(name));
    if (path.p == NULL)
        return MOTE_NO_MEMORY(s->diag, strlen(name));
    there->object = j;
    there->path = path.p;
    return MOTE_OK;
}
