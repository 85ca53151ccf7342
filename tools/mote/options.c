/* options.c - parsing, help, man pages and completions from the commands' option tables
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "options.h"
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <mote/mote.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool options_json;

int options_complain(const command *c, const char *fmt, ...)
{
    char why[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    if (!options_json) {
        fprintf(stderr, "mote %s: %s\nusage: mote %s %s\n", c->name, why, c->name, c->usage);
        return EXIT_USAGE;
    }
    json_t *j = json_pack("{s:s, s:s, s:i, s:s, s:s}", "schema", "mote.error/1", "status", mote_status_string(MOTE_E_ARGUMENT), "code", (int)MOTE_E_ARGUMENT, "of",
                          c->name, "message", why);
    if (j == NULL) /* bytes that are not UTF-8 */
        j = json_pack("{s:s, s:s, s:i, s:s}", "schema", "mote.error/1", "status", mote_status_string(MOTE_E_ARGUMENT), "code", (int)MOTE_E_ARGUMENT, "of", c->name);
    json_dumpf(j, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(j);
    return EXIT_USAGE;
}

static size_t count_options(const command *c)
{
    size_t n = 0;
    while (c->options[n].name != NULL)
        n++;
    return n;
}

static bool parse_count(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    *out = v;
    return text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0;
}

static bool parse_number(const char *text, double *out)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    return end != text && *end == 0 && errno == 0 && isfinite(*out);
}

static bool parse_size(const char *text, uint64_t *out)
{
    static const struct { const char *unit; double bytes; } units[] = {
        {"", 1}, {"B", 1}, {"k", 1e3}, {"kB", 1e3}, {"MB", 1e6}, {"M", 1e6}, {"GB", 1e9}, {"G", 1e9},
        {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}};
    char *end;
    double v = strtod(text, &end);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (end != text && strcasecmp(end, units[i].unit) == 0 && v >= 0 && v * units[i].bytes < 9e18) {
            *out = (uint64_t)(v * units[i].bytes);
            return true;
        }
    return false;
}

static bool store(const option_spec *o, void *values, const char *text)
{
    void *at = (char *)values + o->offset;
    switch (o->kind) {
    case OPTION_FLAG: *(bool *)at = true; return true;
    case OPTION_TEXT: *(const char **)at = text; return true;
    case OPTION_COUNT: return parse_count(text, at);
    case OPTION_NUMBER: return parse_number(text, at);
    case OPTION_SIZE: return parse_size(text, at);
    case OPTION_LIST: {
        option_list *list = at;
        const char **grown = realloc(list->items, (list->n + 1) * sizeof *grown);
        if (grown == NULL)
            return false;
        list->items = grown;
        list->items[list->n++] = text;
        return true;
    }
    }
    return false;
}

int options_parse(const command *c, int argc, char **argv, void *values, int *n_operands, char ***operands)
{
    size_t n = count_options(c);
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        options_json = options_json || strcmp(argv[i], "--json") == 0;
    memset(values, 0, c->options_bytes);
    for (size_t i = 0; i < n; i++)
        if (c->options[i].kind == OPTION_NUMBER)
            *(double *)(void *)((char *)values + c->options[i].offset) = (double)NAN;
    struct option *table = calloc(n + 2, sizeof *table);
    if (table == NULL)
        return EXIT_FAILED;
    for (size_t i = 0; i < n; i++)
        table[i] = (struct option){c->options[i].name, c->options[i].kind == OPTION_FLAG ? no_argument : required_argument, NULL, 0};
    table[n] = (struct option){"help", no_argument, NULL, 'h'};
    int result = EXIT_DONE, which = 0, got;
    opterr = 0;
    optind = 1;
    while (result == EXIT_DONE && (got = getopt_long(argc, argv, ":ho:", table, &which)) != -1) {
        if (got == 'h') {
            options_help(c, stdout);
            result = -1;
        } else if (got == 'o') { /* -o FILE is --output or --outputs FILE, for the commands that have one */
            size_t i = 0;
            while (i < n && strcmp(c->options[i].name, "output") != 0 && strcmp(c->options[i].name, "outputs") != 0)
                i++;
            if (i == n || !store(&c->options[i], values, optarg))
                result = options_complain(c, "no option -o");
        } else if (got == ':') {
            result = options_complain(c, "%s needs a value", argv[optind - 1]);
        } else if (got == '?') {
            result = options_complain(c, "unknown or ambiguous option %s; `mote help %s` lists them", argv[optind - 1], c->name);
        } else if (!store(&c->options[which], values, optarg)) {
            result = options_complain(c, "--%s %s: not a value of the form %s", c->options[which].name, optarg, c->options[which].argument);
        }
    }
    free(table);
    *n_operands = argc - optind;
    *operands = argv + optind;
    return result;
}

void options_free(const command *c, void *values)
{
    for (const option_spec *o = c->options; o->name != NULL; o++)
        if (o->kind == OPTION_LIST)
            free(((option_list *)(void *)((char *)values + o->offset))->items);
}

/* ---- help ---- */

static void wrapped(FILE *to, const char *text, int indent, int width)
{
    int column = indent;
    for (const char *p = text; *p != 0;) {
        const char *end = p + strcspn(p, " \n");
        int n = (int)(end - p);
        if (column > indent && column + 1 + n > width) {
            fprintf(to, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', to);
            column++;
        }
        fwrite(p, 1, (size_t)n, to);
        column += n;
        if (*end == '\n') {
            fprintf(to, "\n%*s", indent, "");
            column = indent;
        }
        p = *end == 0 ? end : end + 1;
    }
    fputc('\n', to);
}

void options_help(const command *c, FILE *to)
{
    fprintf(to, "usage: mote %s %s\n\n", c->name, c->usage);
    wrapped(to, c->summary, 0, 100);
    if (c->details != NULL) {
        fputc('\n', to);
        wrapped(to, c->details, 0, 100);
    }
    if (c->options->name != NULL)
        fputc('\n', to);
    for (const option_spec *o = c->options; o->name != NULL; o++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->argument != NULL ? " " : "", o->argument != NULL ? o->argument : "");
        fprintf(to, "  %-28s ", left);
        if (strlen(left) > 28)
            fprintf(to, "\n%*s", 31, "");
        wrapped(to, o->help, 31, 100);
    }
}

static void roff(FILE *to, const char *text)
{
    for (const char *p = text; *p != 0; p++) {
        if (*p == '\\' || *p == '-')
            fputc('\\', to);
        if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n'))
            fputs("\\&", to);
        fputc(*p, to);
    }
}

void options_man(const command *c, FILE *to)
{
    fprintf(to, ".TH MOTE-%s 1\n.SH NAME\nmote\\-%s \\- ", c->name, c->name);
    roff(to, c->summary);
    fprintf(to, "\n.SH SYNOPSIS\n.B mote %s\n", c->name);
    roff(to, c->usage);
    if (c->details != NULL) {
        fputs("\n.SH DESCRIPTION\n", to);
        roff(to, c->details);
    }
    fputs("\n.SH OPTIONS\n", to);
    for (const option_spec *o = c->options; o->name != NULL; o++) {
        fputs(".TP\n.B \\-\\-", to);
        roff(to, o->name);
        if (o->argument != NULL)
            fprintf(to, " \\fI%s\\fR", o->argument);
        fputc('\n', to);
        roff(to, o->help);
        fputc('\n', to);
    }
    fputs(".SH EXIT STATUS\n0 done; 1 the model or input is at fault; 2 the command line; 3 outputs differ or fall below the bar; 130 interrupted\n", to);
}

void options_completion_bash(FILE *to)
{
    fputs("# bash completion for mote\n_mote() {\n    local cur=${COMP_WORDS[COMP_CWORD]} words\n    if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"help", to);
    for (const command *const *c = tool_commands; *c != NULL; c++)
        fprintf(to, " %s", (*c)->name);
    fputs("\"\n    else case ${COMP_WORDS[1]} in\n", to);
    for (const command *const *c = tool_commands; *c != NULL; c++) {
        fprintf(to, "        %s) words=\"--help", (*c)->name);
        for (const option_spec *o = (*c)->options; o->name != NULL; o++)
            fprintf(to, " --%s", o->name);
        fputs("\" ;;\n", to);
    }
    fputs("        esac\n    fi\n    case $cur in\n        -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
          "        *) if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); else COMPREPLY=($(compgen -f -- \"$cur\")); fi ;;\n"
          "    esac\n}\ncomplete -o filenames -F _mote mote\n", to);
}

void options_completion_zsh(FILE *to)
{
    fputs("#compdef mote\n_mote() {\n    if (( CURRENT == 2 )); then\n        _values command", to);
    for (const command *const *c = tool_commands; *c != NULL; c++)
        fprintf(to, " %s", (*c)->name);
    fputs("\n        return\n    fi\n    case $words[2] in\n", to);
    for (const command *const *c = tool_commands; *c != NULL; c++) {
        fprintf(to, "        %s) _arguments", (*c)->name);
        for (const option_spec *o = (*c)->options; o->name != NULL; o++)
            fprintf(to, " '--%s%s%s%s'", o->name, o->argument != NULL ? "[value]:" : "", o->argument != NULL ? o->argument : "",
                    o->argument != NULL ? ":_files" : "");
        fputs(" '*:file:_files' ;;\n", to);
    }
    fputs("    esac\n}\n_mote \"$@\"\n", to);
}
