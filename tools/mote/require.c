/* require.c - what is asked of a result before it is written
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "require.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char wrong[200];

static const char *read_one(const char *word, require *out)
{
    const char *equals = strchr(word, '=');
    const size_t n = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const bool flag = strcmp(word, "smaller") == 0 || strcmp(word, "faster") == 0;
    struct {
        const char *name;
        double *to, most;
    } numbers[] = {{"drop", &out->drop, 100}, {"same", &out->same, 100}, {"sqnr", &out->sqnr, 1000}};
    if (flag) {
        out->smaller |= word[0] == 's';
        out->faster |= word[0] == 'f';
        return NULL;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char *end = NULL;
        if (strlen(numbers[i].name) != n || strncmp(numbers[i].name, word, n) != 0)
            continue;
        *numbers[i].to = equals != NULL ? strtod(equals + 1, &end) : (double)NAN;
        if (end != NULL && end != equals + 1 && *end == 0 && *numbers[i].to >= 0 && *numbers[i].to <= numbers[i].most)
            return NULL;
        snprintf(wrong, sizeof wrong, "--require '%.60s': expected %s=NUMBER from 0 to %g", word, numbers[i].name, numbers[i].most);
        return wrong;
    }
    snprintf(wrong, sizeof wrong, "--require '%.60s': expected " REQUIRE_WORDS ", by commas", word);
    return wrong;
}

const char *require_read(const char *text, require *out)
{
    char copy[256];
    const size_t n = text != NULL ? strlen(text) : 0;
    *out = (require){.drop = NAN, .same = NAN, .sqnr = NAN};
    if (text == NULL)
        return NULL;
    if (n >= sizeof copy)
        return "--require is too long";
    memcpy(copy, text, n + 1);
    for (char *word = copy, *end;; word = end + 1) {
        end = strchr(word, ',');
        const bool last = end == NULL;
        if (!last)
            *end = 0;
        const char *why = read_one(word, out);
        if (why != NULL || last)
            return why;
    }
}
