package dev.entrepot.proxy.http;

import io.helidon.http.Headers;

/**
 * How something is asked for, beside what is asked for.
 *
 * @param head whether only the headers of the answer are wanted
 * @param headers the headers of the request
 */
record ClientCall(boolean head, Headers headers) {}
