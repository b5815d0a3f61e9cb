/* held.h - what an instance has under way, to be cancelled when it closes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every timer, watch, transfer, listener, route, and every callback that a
 * plugin is still owed passes through here.  Thus the room knows whose code
 * runs, and a closed instance hears of nothing any more.
 */

#ifndef HOST_PLUGIN_HELD_H
#define HOST_PLUGIN_HELD_H

#include <bellhop/plugin.h>

struct instance;
struct plugins;

struct bh_timer *held_after(struct instance *in, int64_t ms, bh_timer_cb *cb,
    void *arg);
void held_cancel(struct bh_timer *timer);
struct bh_watch *held_watch(struct instance *in, int fd, unsigned events,
    bh_watch_cb *cb, void *arg);
void held_unwatch(struct bh_watch *watch);
int held_exec(struct instance *in, const char *const *argv, int64_t timeout,
    bh_exec_cb *cb, void *arg);
struct bh_xfer *held_http(struct instance *in, const struct bh_http *req,
    bool public, bh_http_cb *cb, void *arg);
void held_http_cancel(struct bh_xfer *xfer);
struct bh_turn *held_turn(struct instance *in, const char *lane,
    const char *limits, int rank, bh_timer_cb *cb, void *arg,
    const char **error);
void held_turn_over(struct bh_turn *turn, int64_t pause);
struct bh_socket *held_socket(struct instance *in,
    const struct bh_socket_to *to, const struct bh_socket_calls *calls,
    void *arg);
int held_socket_send(struct bh_socket *socket, const char *text, size_t len);
void held_socket_close(struct bh_socket *socket, int code);
void held_socket_drop(struct bh_socket *socket);
int held_commit(struct instance *in, struct bh_tx *tx, bh_commit_cb *cb,
    void *arg);
int held_query(struct instance *in, const char *sql,
    const struct bh_param *params, bh_rows_cb *cb, void *arg);
int held_deliver(struct instance *in, const struct bh_event *event,
    bh_commit_cb *cb, void *arg);
struct bh_server *held_listen(struct instance *in, const char *address,
    int *port, const char **error);
int held_route(struct instance *in, struct bh_server *server,
    const char *method, const char *path, bh_route_cb *cb, void *arg);

/* Cancels everything that `in` holds; what cannot be cancelled will end
 * without being heard. */
void held_release(struct instance *in);
/* Frees what was never called back; once loop and store are gone. */
void held_bury(struct plugins *plugins);

#endif /* HOST_PLUGIN_HELD_H */
