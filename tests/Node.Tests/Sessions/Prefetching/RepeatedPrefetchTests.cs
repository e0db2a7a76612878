using System.Text.Json;
using System.Text.Json.Nodes;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Prefetching;

/// <summary>What one round knows of those before: with what it asks whether a file changed, and where each round's files are.</summary>
public sealed class RepeatedPrefetchTests
{
    private const string A = "https://origin.example/a?key=secret";
    private const string B = "https://origin.example/b";
    private const string C = "https://origin.example/c";
    private const string List = "https://origin.example/list";

    private readonly SessionHarness _harness = new SessionHarness().Opened();
    private long _round;

    private Session Session => _harness.Session;

    [Fact]
    public void A_round_asks_about_what_was_fetched_before_counts_what_has_not_changed_and_says_the_bytes()
    {
        Set([A, B]);
        Begin();
        Assert.Equal((true, null), Asked(A));
        Finish(A, Fetched("\"1\""));
        Finish(B, null);
        End();
        Assert.Equal((2, 0, 0L), Counted());

        Begin();
        Assert.Equal((true, "\"1\""), Asked(A));
        Assert.Equal((true, null), Asked(B)); // nothing is known of it that its server could be asked with
        Finish(A, Fetched("\"1\""), isUnchanged: true);
        Finish(B, Fetched("W/\"b\""));
        End();
        Assert.Equal((2, 1, 7L), Counted());
        var items = View().Round!.Items;
        Assert.Equal([true, null], items.Select(item => item.Unchanged));
        Assert.Equal(["succeeded", "succeeded"], items.Select(item => item.Outcome));
        Assert.Equal(Session.Prefetch.LastSuccess, View().LastSuccessfulPrefetch);

        Begin();
        Assert.Equal((2, 0, 0L), (View().Round!.Pending, View().Round!.Unchanged, View().Round!.BytesSpared));
        Assert.Equal(("\"1\"", "W/\"b\""), (Asked(A).Validator, Asked(B).Validator));
    }

    [Fact]
    public void What_a_round_could_not_fetch_is_still_there_and_what_left_the_list_is_forgotten()
    {
        Set([A], List);
        Begin();
        Finish(List, Fetched("\"l\""));
        Listed(B, C);
        foreach (var url in (string[])[A, B, C])
            Finish(url, Fetched("\"1\""));
        End();

        Begin();
        Finish(List, Fetched("\"l2\""));
        Listed(B);
        _harness.Report(Live(A).Id, Started(A), SessionHarness.Failed(TransferCodes.HttpStatus, retryable: false));
        Finish(B, Fetched("\"2\""));
        End();

        Begin();
        Finish(List, Fetched("\"l3\""));
        Listed(B, C);
        Assert.Equal(("\"1\"", "\"2\"", null), (Asked(A).Validator, Asked(B).Validator, Asked(C).Validator));
        Finish(A, Fetched("\"1\"", 5), isUnchanged: true);
        foreach (var url in (string[])[B, C])
            Finish(url, Fetched("\"3\""));
        End();

        Begin();
        _harness.Report(Live(List).Id, Started(List), SessionHarness.Failed(TransferCodes.HttpStatus, retryable: false)); // nobody knows what it names now
        Finish(A, null);
        End();
        Begin();
        Finish(List, Fetched("\"l3\""));
        Listed(C);
        Assert.Equal((null, "\"3\""), (Asked(A).Validator, Asked(C).Validator));
    }

    [Fact]
    public void Under_other_headers_nothing_is_asked_and_with_a_retention_never()
    {
        Set([A]);
        Begin();
        Finish(A, Fetched("\"1\""));
        End();
        _harness.Do(new SessionCommand.Open(new SessionConfiguration { AdditionalHeaders = new Dictionary<string, string> { ["Accept-Language"] = "de" } }));
        Begin();
        Assert.Equal((true, null), Asked(A));
        Finish(A, Fetched("\"2\""));
        End();
        Begin();
        Assert.Equal((true, "\"2\""), Asked(A));
        Finish(A, Fetched("\"2\""), isUnchanged: true);
        End();
        _harness.Do(new SessionCommand.Open(new SessionConfiguration { FileRetention = TimeSpan.FromDays(1) }));
        Begin();
        Assert.Equal((false, null), Asked(A));
    }

    /// <summary>A changed URL was once asked about with what another had said, and its file kept as that one's through all later rounds.</summary>
    [Fact]
    public void A_round_asks_where_it_was_told_to_and_as_its_configuration_says()
    {
        Set([A]);
        Begin();
        foreach (var change in (TaskChange[])[new() { Url = B }, new() { Headers = new Dictionary<string, string> { ["Accept-Language"] = "de" } }, new() { Url = B, Priority = 1 }])
        {
            var refused = _harness.Problem(new SessionCommand.ChangeTask(Live(A).Id, change));
            Assert.Equal((409, ProblemCodes.ImmutableField, change.Url is null ? "headers" : "url"), (refused.Status, refused.Code, refused.Field));
            Assert.Contains("/prefetch", refused.Detail, StringComparison.Ordinal);
        }
        Assert.Equal(1, _harness.Task(new SessionCommand.ChangeTask(Live(A).Id, new TaskChange { Priority = 1 })).Priority);
        Assert.Null(Live(A).Spec.Headers);
        Assert.Null(Live(A).Spec.AskBeforeStart); // nobody is asked before, so nobody answers with another request
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_was_asked_for_with_other_credentials_than_a_rounds_is_neither_asked_about_nor_remembered(bool bySession)
    {
        Set([A]);
        Begin();
        Finish(A, Fetched("\"1\""));
        End();
        Begin();
        Assert.Equal((true, "\"1\""), Asked(A));
        _harness.Report(Live(A).Id, Started(A), SessionHarness.Challenged());
        if (bySession)
            _harness.Do(new SessionCommand.Open(new SessionConfiguration { Credentials = [new CredentialRule { Secret = "general" }] }));
        else
            _harness.Do(new SessionCommand.AnswerChallenge(Live(A).Id, ChallengeAnswerKind.UseCredential, "vendor", false, null));
        Assert.Equal((false, null), Asked(A));
        Finish(A, null);
        End();
        Begin();
        Assert.Equal((true, null), Asked(A));
    }

    [Fact]
    public void Other_URLs_in_the_same_place_keep_what_is_known_and_another_place_has_nothing()
    {
        Set([A]);
        Begin();
        Finish(A, Fetched("\"1\""));
        End();
        Set([A, B]);
        Begin();
        Assert.Equal("\"1\"", Asked(A).Validator);
        var late = Live(A);
        Set([A, B], prefix: "elsewhere");
        Assert.True(_harness.Report(late.Id, 1, Done(Fetched("\"2\""), isUnchanged: false))); // the stop came too late
        End();
        Begin();
        Assert.Null(Asked(A).Validator);
        Finish(A, Fetched("\"3\""));
        Finish(B, Fetched("\"3\""));
        End();
        _harness.Do(new SessionCommand.RemovePrefetch());
        _harness.AssertReplaysEqual();
        Set([A], prefix: "elsewhere");
        Begin();
        Assert.Null(Asked(A).Validator);
    }

    [Fact]
    public void A_round_names_its_files_where_it_put_them_whatever_the_settings_are_by_now()
    {
        Set([A], prefix: "old");
        Begin();
        Finish(A, Fetched("\"1\""));
        End();
        Set([A], prefix: "new");
        Assert.Equal(("new", "default/old"), (View().Prefix, FolderOf(View())));
        Begin();
        Assert.Equal("default/new", FolderOf(View()));
        Set([B], prefix: "newer");
        _harness.Settle();
        Assert.Equal(("stopped", "newer", "default/new"), (View().Round!.State, View().Prefix, FolderOf(View())));
        _harness.AssertReplaysEqual();
    }

    /// <summary>Such a snapshot lost nothing but a round's bytes; a stopped round of it may have been anywhere.</summary>
    [Fact]
    public void A_snapshot_of_a_build_that_knew_neither_is_read()
    {
        Set([A], prefix: "old");
        Begin();
        Finish(A, Fetched("\"1\""));
        End();
        var stored = JsonNode.Parse(SessionSnapshot.Of(Session).Encode())!;
        Assert.True(stored["prefetch"]!.AsObject().Remove("fetched"));
        Assert.True(stored["prefetch"]!["run"]!.AsObject().Remove("place"));
        var restored = new Session(SessionHarness.Key, Session.Options);
        restored.Restore(SessionSnapshot.Decode(SessionSnapshot.Format, JsonSerializer.SerializeToUtf8Bytes(stored))!);
        Assert.Equal("default/old", FolderOf(View(restored)));
        Assert.Null(restored.Prefetch.Run!.Place);
    }

    private void Set(string[] urls, string? list = null, string? prefix = null) => _harness.Do(new SessionCommand.SetPrefetch(new PrefetchSettings
    {
        Urls = [.. urls.Select(PrefetchUrl.Of)],
        List = list is null ? null : PrefetchUrl.Of(list),
        Prefix = prefix,
        Every = TimeSpan.FromHours(1),
    }));

    private void Begin()
    {
        _harness.Now = PrefetchDecider.BeginsAt(Session) is { } due && due > _harness.Now ? due : _harness.Now;
        Take(new PrefetchStep(PrefetchNeed.Begin, ++_round));
    }

    private void Listed(params string[] urls) => Take(new PrefetchStep(PrefetchNeed.List, _round, [.. urls.Select(PrefetchUrl.Of)]));

    private void Take(PrefetchStep step)
    {
        var events = PrefetchDecider.Take(Session, step, ClaimedElsewhere.Nothing, _harness.Now);
        Assert.NotEmpty(events);
        _harness.Apply(events);
        _harness.AssertReplaysEqual();
    }

    private void End()
    {
        _harness.Settle();
        Assert.False(Session.Prefetch.IsRunning);
        _harness.AssertReplaysEqual();
    }

    private TaskState Live(string url) => Session.Tasks.After(0).Single(live => live.Spec.Url == url);

    private int Started(string url) => Live(url) is { IsActive: true } active ? active.Run!.Attempt : _harness.Start(Live(url).Id);

    private (bool IsRepeated, string? Validator) Asked(string url)
    {
        Started(url);
        var order = AttemptOrders.Create(Session, Live(url), 1, new Trusting());
        return (order.IsRepeated, order.Fetched?.Validator);
    }

    private void Finish(string url, FetchedFile? fetched, bool isUnchanged = false)
    {
        Assert.True(_harness.Report(Live(url).Id, Started(url), Done(fetched, isUnchanged)));
        _harness.AssertReplaysEqual();
    }

    private static FetchedFile Fetched(string validator, long length = 7) => new(validator, new FileIdentity(1, length, 3));

    private static AttemptReport.Ended Done(FetchedFile? fetched, bool isUnchanged) =>
        new(((AttemptOutcome.Finished)((AttemptReport.Ended)SessionHarness.Finished()).Outcome) with { Fetched = fetched, IsUnchanged = isUnchanged });

    private (int Succeeded, int Unchanged, long BytesSpared) Counted() => View().Round is { } round ? (round.Succeeded, round.Unchanged, round.BytesSpared) : default;

    private PrefetchView View(Session? session = null) => JsonSerializer.Deserialize(
        Assert.IsType<CommandReply.Done>(PrefetchViews.Reply(session ?? Session)).Json.Span, ProtocolJson.Default.PrefetchView)!;

    private static string FolderOf(PrefetchView view)
    {
        var file = view.Round!.Items[0].File!.ToString();
        return file[..file.LastIndexOf('/')];
    }

    private sealed class Trusting : ITrust
    {
        public bool MayAct => true;
    }
}
