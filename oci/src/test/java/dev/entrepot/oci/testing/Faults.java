package dev.entrepot.oci.testing;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/** The faults that a server has been told to commit. Safe for all threads. */
public final class Faults {
    private final List<Order> orders = new CopyOnWriteArrayList<>();

    /** A fault that was ordered, for a kind of request and a number of times. */
    public static final class Order {
        private final Predicate<Request> when;
        private final Fault fault;
        private final AtomicInteger left;
        private final AtomicInteger hits = new AtomicInteger();

        private Order(Predicate<Request> when, Fault fault, int times) {
            this.when = when;
            this.fault = fault;
            this.left = new AtomicInteger(times);
        }

        /** How often it has struck. */
        public int hits() {
            return hits.get();
        }

        /** Takes the order back. */
        public void cancel() {
            left.set(0);
        }

        private boolean strikes(Request request) {
            if (!when.test(request) || left.getAndUpdate(n -> Math.max(0, n - 1)) == 0) {
                return false;
            }
            hits.incrementAndGet();
            return true;
        }
    }

    /** Orders a fault for the next matching request. */
    public Order once(Predicate<Request> when, Fault fault) {
        return times(1, when, fault);
    }

    /** Orders a fault for the next so many matching requests. */
    public Order times(int times, Predicate<Request> when, Fault fault) {
        Order order = new Order(when, fault, times);
        orders.add(order);
        return order;
    }

    /** Orders a fault for all matching requests. */
    public Order always(Predicate<Request> when, Fault fault) {
        return times(Integer.MAX_VALUE, when, fault);
    }

    /** Takes all orders back. */
    public void clear() {
        orders.clear();
    }

    Response around(Request request, RequestBody body, MiniHttpServer.Handler handler)
            throws IOException, InterruptedException {
        List<Fault> striking = orders.stream()
                .filter(order -> order.strikes(request))
                .map(order -> order.fault)
                .toList();
        Request seen = request;
        Optional<Response> instead = Optional.empty();
        for (Fault fault : striking) {
            seen = fault.before(seen);
            fault.upload().ifPresent(body::behind);
            instead = instead.or(() -> fault.instead(request));
        }
        Response response = instead.isPresent() ? instead.get() : handler.handle(seen, body);
        for (Fault fault : striking) {
            response = fault.after(response);
        }
        return response;
    }
}
