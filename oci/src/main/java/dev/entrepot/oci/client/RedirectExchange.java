package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import java.io.IOException;
import java.net.URI;

/**
 * Follows redirects: at most five, never from HTTPS to HTTP, never to addresses that the policy forbids.
 * {@code Authorization}, and what is shown to a server of this program only, are dropped for good at the first change
 * of origin, {@code Range} is kept (distribution-spec, "Redirects").
 */
final class RedirectExchange implements Exchange {
    private static final int MAX_HOPS = 5;

    private final Exchange next;
    private final AddressPolicy addresses;

    RedirectExchange(Exchange next, AddressPolicy addresses) {
        this.next = next;
        this.addresses = addresses;
    }

    @Override
    public ApiResponse send(ApiRequest request) throws IOException {
        ApiRequest current = request;
        for (int hop = 0; ; hop++) {
            requireAllowed(current);
            ApiResponse response = next.send(current);
            if (!isRedirect(response.status(), current) || leavesOrigin(response, current)) {
                return response;
            }
            try {
                current = following(current, Locations.target(response));
            } finally {
                response.discard();
            }
            if (hop == MAX_HOPS) {
                throw new OutageException(
                        Reason.SERVER_ERROR,
                        request.what() + ": " + request.host() + " redirected more than " + MAX_HOPS + " times");
            }
        }
    }

    // 301, 302 and 303 may turn other methods into GET, which is never what an upload means.
    private static boolean isRedirect(int status, ApiRequest request) {
        return status == 307
                || status == 308
                || request.isReading() && (status == 301 || status == 302 || status == 303);
    }

    private static boolean leavesOrigin(ApiResponse response, ApiRequest request) {
        if (request.redirects() == ApiRequest.Redirects.FOLLOW) {
            return false;
        }
        try {
            URI target = Locations.target(response);
            return !Origin.of(target).equals(Origin.of(request.uri()))
                    && !(request.redirects() == ApiRequest.Redirects.SAME_QUESTION
                            && end(target).equals(end(request.uri())));
        } catch (OutageException e) {
            return true;
        }
    }

    // What is asked for are the last two parts of a path: a list, and of what.
    private static String end(URI uri) {
        String path = String.valueOf(uri.getPath());
        return path.substring(path.lastIndexOf('/', path.lastIndexOf('/') - 1) + 1);
    }

    // The first hop, too: it may be the location of an upload session, or a realm.
    private void requireAllowed(ApiRequest request) throws OutageException {
        try {
            addresses.checkLiteral(request.uri().getHost());
        } catch (ForbiddenAddressException e) {
            throw new OutageException(Reason.SERVER_ERROR, request.what() + ": not sent: " + e.getMessage(), e);
        }
    }

    private static ApiRequest following(ApiRequest request, URI target) {
        boolean sameOrigin = Origin.of(target).equals(Origin.of(request.uri()));
        ApiRequest followed = request.withUri(target);
        return sameOrigin ? followed : followed.withoutSecrets();
    }
}
