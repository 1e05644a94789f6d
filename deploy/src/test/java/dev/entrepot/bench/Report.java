package dev.entrepot.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/** Collects the figures of a run, prints each as it comes, and all of them as a markdown table at the end. */
final class Report {
    private final PrintStream out;
    private final List<Line> lines = new ArrayList<>();
    private final List<String> others = new ArrayList<>();
    private boolean missed;

    private record Line(String scenario, String what, String ours, String peer, String comparison, String goal) {
        private String markdown() {
            return "| %s | %s | %s | %s | %s | %s |".formatted(scenario, what, ours, peer, comparison, goal);
        }
    }

    Report(PrintStream out) {
        this.out = out;
    }

    /** One scenario's part of the report. */
    Section section(String scenario) {
        return new Section(scenario);
    }

    /** Says what is going on; not part of the table. */
    void say(String message) {
        out.println(message);
    }

    /** Says how much of the machine others used during a scenario. */
    void others(String scenario, long percent) {
        others.add(scenario + " " + percent + " %");
        out.println("  others used " + percent + " % of the processors meanwhile");
    }

    /** Whether a goal was missed. */
    boolean anyMissed() {
        return missed;
    }

    /** Prints the table. */
    void printTable(String machine) {
        out.println();
        out.println(machine);
        out.println(
                "Medians, with the smallest and largest of the rounds; ratios and differences are taken round by round.");
        out.println("Processor time used by others meanwhile: " + String.join(", ", others) + ".");
        out.println();
        out.println("| scenario | what | Entrepôt | peer | ratio or difference | goal |");
        out.println("|---|---|---|---|---|---|");
        lines.forEach(line -> out.println(line.markdown()));
    }

    private void add(Line line) {
        lines.add(line);
        out.println("  " + line.markdown());
    }

    /** The figures of one scenario. */
    final class Section {
        private final String scenario;

        private Section(String scenario) {
            this.scenario = scenario;
        }

        /** Ours divided by the peer's, round by round. */
        void ratio(String what, Samples ours, String peer, Samples theirs, Goal goal) {
            Samples ratio = ours.with(theirs, (a, b) -> a / b);
            judge(goal, ratio);
            add(new Line(scenario, what, ours.toString(), peer + " " + theirs, ratio + "x", goal.judge(ratio)));
            say("    round by round: " + ours.each() + "; " + peer + " " + theirs.each());
        }

        /** Ours less the peer's, round by round. */
        void difference(String what, String unit, Samples ours, String peer, Samples theirs, Goal goal) {
            Samples difference = ours.with(theirs, (a, b) -> a - b);
            judge(goal, difference);
            add(new Line(
                    scenario,
                    what,
                    ours.toString(),
                    peer + " " + theirs,
                    difference + " " + unit,
                    goal.judge(difference)));
        }

        /** A figure that is compared with nothing but its goal. */
        void figure(String what, Samples ours, Goal goal) {
            judge(goal, ours);
            add(new Line(scenario, what, ours.toString(), "", "", goal.judge(ours)));
        }

        /** A peer's figure for a line of ours that has none. */
        void peerFigure(String what, String peer, Samples theirs) {
            add(new Line(scenario, what, "", peer + " " + theirs, "", ""));
        }

        private void judge(Goal goal, Samples samples) {
            missed |= !goal.isMetBy(samples);
        }
    }
}
