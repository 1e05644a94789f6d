package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RegistryException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.Optional;
import javax.net.ssl.SSLException;
import org.apache.hc.client5.http.ClientProtocolException;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.core5.http.ConnectionRequestTimeoutException;
import org.apache.hc.core5.http.MalformedChunkCodingException;
import org.apache.hc.core5.http.MessageConstraintException;
import org.apache.hc.core5.http.NoHttpResponseException;

/** Turns what the HTTP library throws into outages. */
final class WireFaults {
    private WireFaults() {}

    /**
     * As below, of a request that may go through a proxy, whose name and port is given then: it is what is connected
     * to.
     */
    static IOException translate(IOException fault, String what, String host, Optional<String> proxy) {
        return translate(
                fault,
                what,
                proxy.filter(_ -> isOfConnecting(fault))
                        .map(name -> proxy(name, host))
                        .orElse(host));
    }

    private static boolean isOfConnecting(IOException fault) {
        return fault instanceof ConnectException
                || fault instanceof UnreachedAddressException
                || fault instanceof UnknownHostException
                || fault instanceof ConnectTimeoutException;
    }

    /** How messages name a proxy on the way to a host. */
    static String proxy(String name, String host) {
        return "the proxy " + name + " on the way to " + host;
    }

    /** The same fault in our terms; {@link RegistryException}s and faults of a body's source pass. */
    static IOException translate(IOException fault, String what, String host) {
        if (fault instanceof RegistryException || fault instanceof SourceFault) {
            return fault;
        }
        if (fault instanceof ForbiddenAddressException) {
            return new OutageException(Reason.SERVER_ERROR, what + ": " + fault.getMessage(), fault);
        }
        if (fault instanceof ConnectionRequestTimeoutException) {
            return new OutageException(Reason.NOT_ASKED, what + ": all connections to " + host + " are in use", fault);
        }
        if (isOfAnInterrupt(fault)) {
            return new OutageException(
                    Reason.NOT_ASKED, what + ": interrupted while waiting for the answer of " + host, fault);
        }
        Reason reason = reason(fault);
        return new OutageException(reason, what + ": " + host + " " + text(reason, fault), fault);
    }

    /**
     * Whether the fault is a connection that broke, rather than one that was never made: worth a second attempt at
     * once.
     */
    static boolean isBroken(OutageException outage) {
        return outage.reason() == Reason.UNREACHABLE
                && !(outage.getCause() instanceof IOException cause && isOfConnecting(cause));
    }

    /** Whether the peer had given up the connection, as it does with all that it had when it is restarted. */
    static boolean isAbandoned(IOException fault) {
        Throwable socket = fault instanceof SSLException ? fault.getCause() : fault;
        boolean reset = socket instanceof SocketException broken
                && !isOfConnecting(broken)
                && !Thread.currentThread().isInterrupted();
        return fault instanceof NoHttpResponseException || reset;
    }

    // A virtual thread that is interrupted finds its socket closed.
    private static boolean isOfAnInterrupt(IOException fault) {
        Throwable socket = fault instanceof SSLException ? fault.getCause() : fault;
        return Thread.currentThread().isInterrupted()
                && (socket instanceof SocketException || socket instanceof InterruptedIOException);
    }

    private static Reason reason(IOException fault) {
        return switch (fault) {
            case UnknownHostException e -> Reason.DNS;
            case SSLException e when e.getCause() instanceof SocketTimeoutException -> Reason.TIMEOUT;
            case SSLException e when e.getCause() instanceof SocketException -> Reason.UNREACHABLE;
            case SSLException e -> Reason.TLS;
            case InterruptedIOException e -> Reason.TIMEOUT;
            case MalformedChunkCodingException e -> Reason.SERVER_ERROR;
            case MessageConstraintException e -> Reason.SERVER_ERROR;
            case ClientProtocolException e -> Reason.SERVER_ERROR;
            case NoStatusLineException e -> Reason.SERVER_ERROR;
            default -> Reason.UNREACHABLE;
        };
    }

    private static String text(Reason reason, IOException fault) {
        return switch (reason) {
            case DNS -> "does not resolve";
            case TLS -> "failed the TLS handshake: " + fault.getMessage();
            case TIMEOUT -> "did not answer in time";
            case SERVER_ERROR -> "did not answer in HTTP";
            case UNREACHABLE, RATE_LIMITED, QUOTA, TOKEN_SERVICE, NOT_ASKED ->
                switch (fault) {
                    case ConnectException e -> "refused the connection";
                    case UnreachedAddressException e -> "cannot be reached (" + e.getMessage() + ")";
                    default -> "broke the connection";
                };
        };
    }
}
