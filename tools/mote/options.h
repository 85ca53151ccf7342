/* options.h - one table per command: parsing, help, man pages and completions all come from it
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_OPTIONS_H
#define MOTE_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char * */
    OPTION_LIST,   /* option_list: may be given many times */
    OPTION_COUNT,  /* uint64_t, decimal */
    OPTION_NUMBER, /* double */
    OPTION_SIZE,   /* uint64_t bytes: 64MB, 1.5GiB, 4096 */
} option_kind;

typedef struct option_list {
    const char **items;
    size_t n;
} option_list;

typedef struct option_spec {
    const char *name;      /* without the dashes; NULL ends the table */
    option_kind kind;
    size_t offset;         /* of the variable in the command's options struct */
    const char *argument;  /* "FILE", "NAME=FILE"; NULL for a flag */
    const char *help;      /* one sentence */
} option_spec;

typedef struct command {
    const char *name, *usage, *summary, *details;
    const option_spec *options;
    size_t options_bytes;  /* of the struct that the offsets point into */
    int (*run)(void *options, int n_operands, char **operands);
} command;

/* Exit codes: documented in `mote help` and docs/tool.md. */
enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,    /* the model or the input: the message says what */
    EXIT_USAGE = 2,     /* the command line */
    EXIT_DIFFERENT = 3, /* check, compare: outputs differ; eval with --require: below the bar */
    EXIT_CANCELLED = 130
};

extern const command *const tool_commands[]; /* NULL-terminated */

/* A mistake on the command line: as text on stderr or, when --json is among the arguments, as a document on stdout. Gives EXIT_USAGE. */
int options_complain(const command *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
extern bool options_json; /* --json was given; set by options_parse before anything else */

/* Parses argv[1..] into `values` (zeroed here; numbers and texts keep what `values` held before when the option is absent is not supported:
 * absent is 0, NULL or NaN). Operands are moved to *operands. Returns EXIT_DONE, EXIT_USAGE after a message on stderr, or -1 when help was shown. */
int options_parse(const command *c, int argc, char **argv, void *values, int *n_operands, char ***operands);
void options_free(const command *c, void *values);
void options_help(const command *c, FILE *to);
void options_man(const command *c, FILE *to);
void options_completion_bash(FILE *to);
void options_completion_zsh(FILE *to);

#define OPTION_JSON(type) {"json", OPTION_FLAG, offsetof(type, json), NULL, "print one JSON document instead of text"}
#define OPTION_END {NULL, OPTION_FLAG, 0, NULL, NULL}

#endif
