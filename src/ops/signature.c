/* signature.c - "X:T W:T B?:T" into arguments
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/signature.h"
#include <string.h>

static int find_var(const mote_op_def *def, const char *p, size_t n)
{
    for (int v = 0; def->types != NULL && def->types[v].name[0] != 0; v++)
        if (strlen(def->types[v].name) == n && memcmp(def->types[v].name, p, n) == 0)
            return v;
    return -1;
}

/* One "name?*:type", p to its end. */
static bool read_arg(const mote_op_def *def, const char *p, const char *end, mote_op_arg *a)
{
    *a = (mote_op_arg){.var = -1};
    const char *q = p;
    while (q < end && *q != '?' && *q != '*' && *q != ':')
        q++;
    a->name = (mote_str){p, (size_t)(q - p)};
    for (; q < end && *q != ':'; q++) {
        if (*q == '?')
            a->optional = true;
        else if (*q == '*' && !a->variadic)
            a->variadic = true;
        else if (*q == '*')
            a->mixed = true;
        else
            return false;
    }
    if (q == end || a->name.n == 0)
        return false;
    q++;
    if (end - q > 5 && (memcmp(q, "seq(", 4) == 0 || memcmp(q, "opt(", 4) == 0) && end[-1] == ')') {
        a->kind = *q == 's' ? MOTE_KIND_SEQUENCE : MOTE_KIND_OPTIONAL;
        q += 4;
        end--;
    }
    a->var = find_var(def, q, (size_t)(end - q));
    if (a->var < 0)
        a->fixed = mote_dtype_from_name(q, (size_t)(end - q));
    return a->var >= 0 || a->fixed != MOTE_DTYPE_NONE;
}

mote_status mote_signature_read(const mote_op_def *def, const char *text, mote_signature *out)
{
    out->n = 0;
    out->min = out->max = 0;
    for (const char *p = text != NULL ? text : ""; *p != 0;) {
        const char *end = p + strcspn(p, " ");
        if (out->n == MOTE_OP_MAX_ARGS || out->max == UINT32_MAX)
            return MOTE_E_INTERNAL;
        mote_op_arg *a = &out->args[out->n];
        if (!read_arg(def, p, end, a))
            return MOTE_E_INTERNAL;
        out->n++;
        if (!a->optional)
            out->min = (uint32_t)out->n;
        out->max = a->variadic ? UINT32_MAX : (uint32_t)out->n;
        for (p = end; *p == ' ';)
            p++;
    }
    return MOTE_OK;
}
