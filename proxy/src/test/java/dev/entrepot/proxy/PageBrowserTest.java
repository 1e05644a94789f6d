package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Requests;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * The page in a real browser, where there is one. With the environment variable {@code ENTREPOT_SCREENSHOTS} pictures
 * of all views are put into that folder. Long, because all views are looked at in one browser.
 */
@EnabledIf("chromiumIsThere")
class PageBrowserTest {
    private static final int REPOSITORIES = 10_000;

    // Of each text on the page, its contrast against what is behind it (WCAG 2.2, "contrast ratio"); the worst few, as
    // text.
    private static final String CONTRAST = """
            (() => {
              const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
              const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
              const colour = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
              const behind = (e) => { for (; e; e = e.parentElement) { const c = colour(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
              const bad = [];
              const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
              for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                const e = node.parentElement;
                if (!node.data.trim() || !e.checkVisibility() || e.closest('button:disabled, noscript, script')) continue;
                const a = light(colour(getComputedStyle(e).color)), b = light(behind(e));
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (ratio < 4.5) bad.push(node.data.trim().slice(0, 30) + ' ' + ratio.toFixed(2));
              }
              return bad.join('; ');
            })()""";

    private static final String MAIN = "document.querySelector('main').innerText";

    @TempDir
    private static Path folder;

    @TempDir
    private Path data;

    private static Chromium browser;
    private PageWorld world;

    static boolean chromiumIsThere() {
        return Chromium.installed().isPresent();
    }

    @BeforeAll
    static void launch() throws Exception {
        browser = Chromium.started(folder);
    }

    @AfterAll
    static void quit() throws Exception {
        browser.close();
    }

    @BeforeEach
    void start() throws Exception {
        world = PageWorld.started(data, REPOSITORIES);
        world.pull();
        world.beRefused();
        browser.look(1600, 900, false);
    }

    @AfterEach
    void stop() throws Exception {
        browser.leave();
        world.close();
    }

    private void go(String hash) throws Exception {
        browser.open(world.admin().resolve("/ui/" + hash));
        browser.await("document.querySelector('main h1') !== null && !document.querySelector('main').ariaBusy");
    }

    private String focused() throws Exception {
        return browser.text("document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText");
    }

    private void picture(String name) throws Exception {
        Optional<String> pictures = Optional.ofNullable(System.getenv("ENTREPOT_SCREENSHOTS"));
        if (pictures.isPresent()) {
            Files.createDirectories(Path.of(pictures.get()));
            Files.write(Path.of(pictures.get(), name + ".png"), browser.picture());
        }
    }

    @Test
    void overviewShowsFiguresAndFollowsThem() throws Exception {
        int complaints = browser.complaints().size();
        go("");
        browser.await("document.getElementById('live').innerText === 'live'");
        browser.await("/%/.test(document.getElementById('hit-bytes')?.innerText)");
        assertThat(browser.text("document.getElementById('ready').innerText")).isEqualTo("ready");
        String before = browser.text("document.getElementById('hit-requests').parentElement.innerText");
        JsonNode place =
                browser.evaluate("JSON.stringify(document.getElementById('hit-requests').getBoundingClientRect())");
        world.get("/v2/other/tool/manifests/v2");
        browser.await("document.getElementById('hit-requests').parentElement.innerText !== " + quoted(before));
        assertThat(browser.evaluate("document.getElementById('hit-requests').getBoundingClientRect().top")
                        .asDouble())
                .as("nothing moves when figures change")
                .isEqualTo(OciJson.mapper()
                        .readTree(place.asString(""))
                        .path("top")
                        .asDouble());
        assertThat(browser.complaints()).hasSize(complaints);
    }

    private static String quoted(String text) {
        return OciJson.mapper().writeValueAsString(text);
    }

    @Test
    void keysLeadFromTheSearchToTheSignatureOfAnSbom() throws Exception {
        int complaints = browser.complaints().size();
        go("");
        browser.press("/");
        browser.type("team/app");
        browser.press("Enter");
        browser.await(
                "document.querySelector('h1').innerText.includes('team/app') && document.querySelector('[data-rows] a') !== null");
        browser.press("ArrowDown");
        assertThat(focused()).isEqualTo(PageWorld.APP);
        browser.press("Enter");
        browser.await("document.querySelector('h1').innerText === '" + PageWorld.APP + "'");
        browser.press("ArrowDown");
        assertThat(focused()).isEqualTo("1.0");
        browser.press("Enter");
        browser.await("document.querySelector('[role=tree]') !== null");
        assertThat(browser.text("location.hash")).isEqualTo("#/repositories/" + PageWorld.APP + "/tags/1.0");
        browser.evaluate("document.querySelector('[role=treeitem][tabindex=\"0\"]').focus()");
        assertThat(focused()).startsWith("Index");
        for (int i = 0; i < 20 && !focused().startsWith("SBOM"); i++) {
            browser.press("ArrowDown");
        }
        assertThat(focused()).startsWith("SBOM, CycloneDX, refers to it, " + PageWorld.SBOM);
        browser.press("ArrowRight");
        assertThat(focused()).startsWith("Signature, Notary, refers to it");
        assertThat(browser.text("document.querySelector('.detail').innerText"))
                .contains(world.signature.digest().toString(), PageWorld.SIGNATURE);
        browser.press("ArrowLeft");
        browser.press("ArrowLeft");
        assertThat(browser.text("document.activeElement.getAttribute('aria-level')"))
                .isEqualTo("2");
        browser.press("Home");
        assertThat(focused()).startsWith("Index");
        browser.press("ArrowLeft");
        assertThat(browser.text("document.activeElement.getAttribute('aria-expanded')"))
                .isEqualTo("false");
        assertThat(browser.complaints()).hasSize(complaints);
    }

    @Test
    void keysOpenTheHelpAndLeadToTheParts() throws Exception {
        go("");
        browser.press("?");
        browser.await("document.getElementById('help').open");
        browser.press("Enter");
        browser.await("!document.getElementById('help').open");
        browser.press("g");
        browser.press("u");
        browser.await("document.querySelector('h1').innerText === 'Upstreams'");
        assertThat(focused()).isEqualTo("Upstreams");
        assertThat(browser.text("document.querySelector('#parts [aria-current]').innerText"))
                .isEqualTo("Upstreams");
        browser.evaluate("document.querySelector('.skip').click()");
        assertThat(browser.text("document.activeElement.id")).isEqualTo("main");
    }

    @Test
    void repositoriesWithOddNamesHaveAddressesOfTheirOwn() throws Exception {
        go("");
        String odd = """
                import('./links.js').then((links) => ['r.test:5000/a', 'r.test/a/tags/b', 'r.test/tags', 'r.test/a/digests/tags'].flatMap((name) =>
                  ['', 'tags', '1.0', 'sha256:00'].filter((reference) => {
                    const found = links.parse(reference ? links.imageLink(name, reference) : links.repositoryLink(name));
                    return found.repository !== name || (found.reference ?? '') !== reference;
                  }).map((reference) => name + ' ' + reference)).join('; '))""";
        assertThat(browser.text(odd)).as("names that come back as others").isEmpty();
    }

    @Test
    void whatIsNotKeptIsShownAsSuchAndWhyIsExplained() throws Exception {
        go("#/repositories/" + PageWorld.APP + "/tags/1.0");
        assertThat(browser.text(
                        "[...document.querySelectorAll('[role=treeitem].gone')].map((e) => e.ariaLabel).join('|')"))
                .contains("linux/arm64");
        browser.evaluate("document.querySelector('#why').open = true");
        browser.await("document.querySelector('#why table') !== null");
        assertThat(browser.text("document.querySelector('#why').innerText")).contains("check-deadline");
    }

    @Test
    void whatStrangersWriteStaysText() throws Exception {
        int complaints = browser.complaints().size();
        go("#/repositories/" + PageWorld.APP + "/tags/1.0");
        assertThat(browser.text("document.querySelector('main').innerText")).contains(PageWorld.MARKUP);
        go("#/refusals");
        assertThat(browser.text("document.querySelector('main').innerText")).contains("<b>bold</b>/1.0");
        go("#/search?text=" + "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E");
        assertThat(browser.text("document.querySelector('h1').innerText")).contains("<img src=x");
        assertThat(browser.evaluate("document.querySelectorAll('main img, main b, main script').length")
                        .asInt())
                .isZero();
        assertThat(browser.complaints()).hasSize(complaints);
    }

    @Test
    void tenThousandRepositoriesAreLeafedThroughAndFiltered() throws Exception {
        go("#/repositories");
        browser.await("document.querySelector('.where').innerText.startsWith('1–50 of 10\\u202f00')");
        assertThat(browser.evaluate("document.querySelectorAll('main tbody tr').length")
                        .asInt())
                .isEqualTo(50);
        browser.evaluate("[...document.querySelectorAll('.pager button')].at(-1).click()");
        browser.await("document.querySelector('.where').innerText.startsWith('10\\u202f001–10\\u202f002')");
        browser.evaluate("document.getElementById('filter').focus()");
        browser.type("app-0777");
        browser.await("document.querySelector('.where').innerText.startsWith('1–10 of 10')");
        assertThat(browser.text("location.hash")).contains("text=app-0777");
        browser.press("ArrowDown");
        assertThat(focused()).isEqualTo("registry.test/various/app-07770");
        browser.press("ArrowDown");
        browser.press("ArrowUp");
        browser.press("ArrowUp");
        assertThat(browser.text("document.activeElement.id")).isEqualTo("filter");
    }

    @Test
    void runsShowTheirProgress() throws Exception {
        Gate gate = new Gate();
        world.target.faults().always(request -> request.method().equals("PUT"), Fault.hold(gate));
        go("#/replication");
        browser.await("document.querySelector('main').innerText.includes('Not running')");
        world.sync();
        browser.await("document.querySelector('progress') !== null");
        // What is sent already is the same in the card and in the list of the runs.
        browser.await("/Running: 0 of 1\u00a0image, [1-9][^/]* of [^/]*, /.test(" + MAIN + ")");
        browser.await(
                "(() => { const sent = / image, ([^,]+?) of /.exec(" + MAIN
                        + ".replaceAll('\u00a0image', ' image'))?.[1];"
                        + " return sent === document.querySelector('[data-rows] tr:has(a[href^=\"#/replication/runs/\"]) td:last-child').innerText; })()");
        picture("replication-running");
        browser.evaluate("document.querySelector('a[href^=\"#/replication/runs/\"]').click()");
        browser.await("document.querySelector('h1').innerText.startsWith('Run ')");
        browser.await("document.querySelector('progress') !== null");
        picture("run-running");
        gate.open();
        browser.await("document.querySelector('progress') === null && " + MAIN + ".includes('complete')");
        browser.await(MAIN + ".includes('nothing failed')");
    }

    private void awaitFigures() throws Exception {
        browser.await("document.getElementById('live').innerText === 'live'");
        browser.await("document.querySelector('main [aria-busy]') === null && !" + MAIN + ".includes('Waiting for')");
    }

    /** The value beside a name in a list of figures. */
    private String figure(String name) throws Exception {
        return browser.text("[...document.querySelectorAll('main dt')].find((e) => e.innerText === " + quoted(name)
                        + ")?.nextElementSibling.innerText")
                .replace('\u00a0', ' ');
    }

    @Test
    void figuresAreNamedForWhatTheyCount() throws Exception {
        go("");
        awaitFigures();
        JsonNode overview = world.json("/ui/api/overview");
        assertThat(figure("Blob fetches begun"))
                .isEqualTo(overview.path("fills").path("begun").asString());
        assertThat(figure("Blobs fetched")).isNotEmpty().isNotEqualTo("0 B");
        assertThat(figure("Content")).contains("KiB in ").contains("pieces");
        assertThat(figure("Quarantine")).isEqualTo("0 B");
        assertThat(figure("Reserve (ballast)")).isIn("0 B", "32.0 MiB");
        assertThat(figure("Evicted")).isEqualTo("0 evictions, 0 B");
        assertThat(browser.text("document.querySelector('h2').innerText")).startsWith("Hit ratio");
        assertThat(browser.text(MAIN)).contains("in bytes", "Share of bytes", "counting for");
        // Of a rule that never ran nothing is known, which is not that nothing is missing.
        assertThat(
                        browser.text(
                                "[...document.querySelectorAll('main tr')].find((e) => e.innerText.startsWith('to-eu')).lastElementChild.innerText"))
                .isEqualTo("–");
    }

    @Test
    void quotaOfWhichNothingIsLeftToSayIsUnknown() throws Exception {
        go("#/upstreams");
        awaitFigures();
        assertThat(figure("Left")).contains(" of 100 (", " %), per 6 h");
        assertThat(figure("Kept for clients")).isEqualTo("25 pulls");
        assertThat(figure("Forecast")).isNotEmpty();
        String unknown = """
                Promise.all([import('./data.js'), import('./upstreams.js')]).then(([data, view]) => {
                  const before = data.known.upstreams;
                  const one = before.upstreams.find((up) => up.quotas.length);
                  data.known.upstreams = { upstreams: [{ ...one, quotas: [{ account: 'anonymous', limit: 100, reserve: 25 }] }] };
                  const card = view.render();
                  data.known.upstreams = before;
                  return card.querySelectorAll('.meter').length + ' ' + [...card.querySelectorAll('dt')].find((e) => e.textContent === 'Left').nextElementSibling.textContent;
                })""";
        assertThat(browser.text(unknown)).isEqualTo("0 unknown");
    }

    @Test
    void upstreamThatAsksForLessIsShownAsLeftAlone() throws Exception {
        go("#/upstreams");
        awaitFigures();
        String leftAlone = """
                Promise.all([import('./data.js'), import('./upstreams.js')]).then(([data, view]) => {
                  const before = data.known.upstreams;
                  const one = before.upstreams.find((up) => up.quotas.length);
                  const until = new Date(Date.now() + 3600500).toISOString();
                  data.known.upstreams = { upstreams: [{ ...one, leftAloneUntil: { rate: until } }] };
                  const card = view.render();
                  data.known.upstreams = before;
                  return [...card.querySelectorAll('dt')].find((e) => e.textContent === 'Left alone')?.nextElementSibling.textContent ?? 'not said';
                })""";
        assertThat(browser.text(leftAlone).replace('\u00a0', ' ')).isEqualTo("after a 429 (rate) until in 1 h");
    }

    @Test
    void tagsAreThoseOfWhatWasTypedLastWhicheverAnswerComesFirst() throws Exception {
        go("#/repositories/" + PageWorld.APP + "/tags/");
        browser.evaluate("""
                (() => {
                  const real = window.fetch;
                  const type = (text) => {
                    const input = document.querySelector('main input[type=search]');
                    input.value = text;
                    input.dispatchEvent(new Event('input'));
                  };
                  window.fetch = async (address, options) => {
                    const slow = String(address).includes('text=no-such');
                    if (slow) {
                      type('');
                      await new Promise((done) => setTimeout(done, 1000));
                    }
                    const answer = await real(address, options);
                    setTimeout(() => { window.answered = (window.answered ?? '') + (slow ? 'slow' : 'quick '); }, 200);
                    return answer;
                  };
                  type('no-such');
                })()""");
        browser.await("(window.answered ?? '').endsWith('slow')");
        assertThat(browser.text("window.answered")).isEqualTo("quick slow");
        assertThat(browser.text(MAIN)).doesNotContain("No tag");
    }

    /** There is more of what is shown, and not of what has been asked for and is still to come. */
    @Test
    void moreTagsAreNotShownInPlaceOfThoseThatWereAskedForBefore() throws Exception {
        go("#/repositories/" + PageWorld.APP + "/tags/");
        browser.evaluate("""
                (() => {
                  const real = window.fetch;
                  let clicked = false;
                  const type = (text) => {
                    const input = document.querySelector('main input[type=search]');
                    input.value = text;
                    input.dispatchEvent(new Event('input'));
                  };
                  window.fetch = async (address, options) => {
                    if (!String(address).includes('api/tags')) {
                      return real(address, options);
                    }
                    const last = String(address).includes('text=no-such') && !clicked;
                    if (last) {
                      clicked = true;
                      document.querySelector('main .pager button').click();
                    }
                    const found = await (await real(address, options)).json();
                    setTimeout(() => last ? window.answered = 'all' : clicked ? null : type('no-such'), 500);
                    return new Response(JSON.stringify({ ...found, next: 'zzz' }), { headers: { 'Content-Type': 'application/json' } });
                  };
                  type('');
                })()""");
        browser.await("window.answered === 'all'");
        assertThat(browser.text(MAIN)).contains("No tag that is known here contains");
    }

    @Test
    void artifactsAreNamedInListsToo() throws Exception {
        go("#/repositories/" + PageWorld.APP + "/tags/");
        assertThat(browser.text(
                        "[...document.querySelectorAll('main tr td:nth-child(2)')].map((e) => e.innerText).join('|')"))
                .contains("SBOM CycloneDX", "Signature Notary", "Index", "Image");
        assertThat(browser.evaluate("document.querySelectorAll('.pager')[0].checkVisibility()")
                        .asBoolean())
                .as("a pager of one page")
                .isFalse();
    }

    @Test
    void searchBoxSaysWhatIsShownAndWhatIsFoundLeadsThere() throws Exception {
        go("#/search?text=cyclonedx");
        assertThat(browser.text("document.getElementById('search-text').value")).isEqualTo("cyclonedx");
        assertThat(browser.text(MAIN)).contains(world.sbom.digest().toString());
        browser.evaluate("[...document.querySelectorAll('main a')].find((e) => e.innerText === '" + world.sbom.digest()
                + "').click()");
        browser.await("document.querySelector('[role=tree]') !== null");
        assertThat(browser.text("document.querySelector('[role=treeitem]').ariaLabel"))
                .startsWith("SBOM, CycloneDX");
        assertThat(browser.text("document.getElementById('search-text').value")).isEmpty();
    }

    @Test
    void platformHasTheSizeOfWhatAPullOfItBrings() throws Exception {
        go("#/repositories/" + PageWorld.APP + "/tags/1.0");
        JsonNode image = world.json("/ui/api/image?reference=1.0&repository=" + PageWorld.APP);
        JsonNode amd64 = image.path("manifests")
                .valueStream()
                .filter(node -> node.path("platform").asString("").equals("linux/amd64"))
                .findFirst()
                .orElseThrow();
        long whole = amd64.path("bytes").asLong()
                + amd64.path("blobs")
                        .valueStream()
                        .mapToLong(blob -> blob.path("bytes").asLong())
                        .sum();
        String shown = browser.text("import('./format.js').then((format) => format.bytes(" + whole + "))");
        assertThat(
                        browser.text(
                                "[...document.querySelectorAll('[role=treeitem]')].find((e) => e.ariaLabel.includes('linux/amd64')).querySelector('.size').innerText"))
                .isEqualTo(shown);
        assertThat(browser.text("document.querySelector('[role=treeitem] .size').innerText"))
                .as("of an index of which a platform is not kept")
                .startsWith("over ");
        assertThat(figure("Manifest size")).isNotEmpty();
    }

    @Test
    void detailsAreUnderTheChosenRowWhereThereIsNoRoomBeside() throws Exception {
        browser.look(400, 900, false);
        go("#/repositories/" + PageWorld.APP + "/tags/1.0");
        browser.evaluate("document.querySelector('[role=treeitem][tabindex=\"0\"]').focus()");
        browser.press("ArrowDown");
        assertThat(browser.text("document.querySelector('.detail').parentElement.ariaLabel"))
                .startsWith("Image, linux/amd64");
        // Keys of what is in there are its own.
        browser.evaluate("document.querySelector('.detail button').focus()");
        browser.press("Enter");
        browser.await("document.querySelector('.detail button').innerText !== 'Copy'");
        browser.look(1600, 900, false);
        browser.await("document.querySelector('.detail').parentElement.className === 'beside'");
    }

    @Test
    void whatIsNotKnownIsNamedAndTheWayBackIsThere() throws Exception {
        go("#/repositories/" + PageWorld.APP + "/tags/nothing");
        assertThat(browser.text("document.querySelector('h1').innerText"))
                .isEqualTo(PageWorld.APP + ":nothing: not known here");
        browser.evaluate(
                "[...document.querySelectorAll('main a')].find((e) => e.innerText.startsWith('Tags of')).click()");
        browser.await("document.querySelector('h1').innerText === '" + PageWorld.APP + "'");
    }

    @Test
    void serverThatStopsAndIsGoneIsSaidToBe() throws Exception {
        Gate gate = new Gate();
        Digest zeros = world.registry.pushBlob("team/app", new byte[300_000]);
        world.registry.faults().once(Requests.blob(zeros), Fault.stallAfter(1000, gate));
        CompletableFuture<Void> client =
                CompletableFuture.runAsync(() -> world.statusOf("/v2/team/app/blobs/" + zeros));
        go("");
        awaitFigures();
        MirrorFixture.await(() ->
                world.json("/ui/api/overview").path("fills").path("active").asLong() > 0);
        CompletableFuture<Void> end = CompletableFuture.runAsync(world::stop);
        browser.await("document.getElementById('ready').innerText === 'not ready' && " + MAIN
                + ".includes('Not ready: draining')");
        pictures("not-ready");
        gate.open();
        client.get(20, TimeUnit.SECONDS);
        end.get(20, TimeUnit.SECONDS);
        browser.await("document.getElementById('live').innerText === 'no connection'");
        pictures("no-connection");
        browser.evaluate("location.hash = '#/repositories'");
        browser.await(MAIN + ".includes('The server does not answer')");
        pictures("no-answer");
    }

    private void pictures(String name) throws Exception {
        for (int width : new int[] {1600, 400}) {
            for (boolean dark : new boolean[] {false, true}) {
                browser.look(width, 900, dark);
                look(name + "-" + width + (dark ? "-dark" : "-light"), width);
            }
        }
    }

    private void look(String name, int width) throws Exception {
        picture(name);
        assertThat(browser.evaluate("document.documentElement.scrollWidth").asInt())
                .as("width of " + name)
                .isLessThanOrEqualTo(width);
        assertThat(browser.text(CONTRAST)).as("contrast of " + name).isEmpty();
    }

    @Test
    void everyViewFitsAndCanBeReadInLightAndDark() throws Exception {
        world.beBusy();
        String[][] views = {
            {"overview", ""},
            {"repositories", "#/repositories"},
            {"tags", "#/repositories/" + PageWorld.APP + "/tags/"},
            {"image", "#/repositories/" + PageWorld.APP + "/tags/1.0"},
            {"image-partly", "#/repositories/hub.test/library/alpine/tags/3.20"},
            {"why", "#/repositories/hub.test/library/alpine/tags/3.20"},
            {"replication", "#/replication"},
            {"upstreams", "#/upstreams"},
            {"refusals", "#/refusals"},
            {"run-complete", "#/replication/runs/1"},
            {"run-failed", "#/replication/runs/2"},
            {"search", "#/search?text=cyclonedx"},
            {"search-names", "#/search?text=app-0777"},
            {"search-tags", "#/search?text=alpine:3.1"},
            {"search-digest", "#/search?text=" + world.sbom.digest()},
            {"search-nothing", "#/search?text=zzzzz"},
            {"error", "#/repositories/" + PageWorld.APP + "/tags/nothing"}
        };
        for (int width : new int[] {1600, 400}) {
            for (boolean dark : new boolean[] {false, true}) {
                browser.look(width, 900, dark);
                for (String[] view : views) {
                    String name = view[0] + "-" + width + (dark ? "-dark" : "-light");
                    go(view[1]);
                    awaitFigures();
                    if (view[0].equals("why")) {
                        browser.evaluate("document.querySelector('#why').open = true");
                        browser.await("document.querySelector('#why table') !== null");
                    }
                    look(name, width);
                }
            }
        }
    }
}
