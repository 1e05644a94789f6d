package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.RequestRecord;

/** How a line of the access log looks. Used by one thread. */
interface AccessLogLines {
    /** Appends the line of a request, with its end of line. */
    void append(RequestRecord request, LineBuffer out);
}
