/* main.c - the command table
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "engine.h"
#include "files.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const command command_inspect, command_run, command_check, command_meta, command_dump, command_bench, command_compare, command_tokens, command_eval, command_quantize, command_sensitivity, command_profile, command_compile, command_advise;

const command *const tool_commands[] = {&command_inspect, &command_run, &command_check, &command_meta, &command_dump, &command_bench,
                                        &command_compare, &command_eval, &command_tokens, &command_advise, &command_quantize, &command_sensitivity, &command_profile, &command_compile, NULL};

/* ---- Ctrl-C: the run is cancelled, no half file stays ---- */

volatile int tool_interrupted;
static mote_session *volatile watched;

void tool_watch_session(mote_session *session) { watched = session; }

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    if (tool_interrupted || watched == NULL) { /* nothing to cancel, or asked twice */
        file_outputs_abandon();
        _exit(EXIT_CANCELLED);
    }
    tool_interrupted = 1;
    mote_session_cancel(watched);
}

/* ---- commands ---- */

static const command *find(const char *name)
{
    for (const command *const *c = tool_commands; *c != NULL; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

static int overview(FILE *to)
{
    fprintf(to, "mote %s - runs ONNX models\n\nusage: mote COMMAND ...\n\n", mote_version());
    for (const command *const *c = tool_commands; *c != NULL; c++)
        fprintf(to, "  %-10s %s\n", (*c)->name, (*c)->summary);
    fprintf(to, "\n`mote help COMMAND` explains one; `mote man COMMAND` prints its manual page, `mote completion bash|zsh` completions.\n"
                "Exit codes: 0 done, 1 the model or input is at fault, 2 the command line, 3 outputs differ, 130 interrupted.\n");
    return to == stdout ? EXIT_DONE : EXIT_USAGE;
}

static int unknown(const char *name)
{
    fprintf(stderr, "mote: no command '%s'; `mote help` lists them\n", name);
    return EXIT_USAGE;
}

static int help(int argc, char **argv)
{
    if (argc < 3)
        return overview(stdout);
    if (strcmp(argv[1], "completion") == 0) {
        bool bash = strcmp(argv[2], "bash") == 0;
        if (!bash && strcmp(argv[2], "zsh") != 0)
            return unknown(argv[2]);
        (bash ? options_completion_bash : options_completion_zsh)(stdout);
        return EXIT_DONE;
    }
    const command *c = find(argv[2]);
    if (c == NULL)
        return unknown(argv[2]);
    (strcmp(argv[1], "man") == 0 ? options_man : options_help)(c, stdout);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    struct sigaction act = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (argc < 2)
        return overview(stderr);
    if (strcmp(argv[1], "--version") == 0)
        return printf("mote %s\n", mote_version()) < 0;
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "man") == 0 ||
        strcmp(argv[1], "completion") == 0)
        return help(argc, argv);
    const command *c = find(argv[1]);
    if (c == NULL)
        return unknown(argv[1]);
    void *values = calloc(1, c->options_bytes + 1);
    if (values == NULL)
        return EXIT_FAILED;
    int n_operands;
    char **operands;
    int result = options_parse(c, argc - 1, argv + 1, values, &n_operands, &operands);
    if (result == EXIT_DONE)
        result = c->run(values, n_operands, operands);
    options_free(c, values);
    free(values);
    if (result == EXIT_DONE && fflush(stdout) != 0)
        result = EXIT_FAILED;
    return result < 0 ? EXIT_DONE : result;
}
