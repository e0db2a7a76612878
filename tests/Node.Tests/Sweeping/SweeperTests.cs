using System.Text.Json;
using Backhaul.Node.Files;
using Backhaul.Node.Journal;
using Backhaul.Node.Routing;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sweeping;
using Backhaul.Node.Tests.Api;
using Backhaul.Node.Tests.Files;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Sweeping;

public sealed class SweeperTests : IDisposable
{
    private static readonly SessionKey Known = SessionKey.Parse("default/nightly");
    private readonly FilesRig _rig = new();
    private readonly Answers _answers = new();
    private readonly LateClock _time = new();
    private readonly FakeJournalStore _store = new();
    private readonly Sweeper _sweeper;

    public SweeperTests()
    {
        _store.Heads.Add(new SessionHead(Known, 0, 1, 1, 1, "active", 1, 0, null));
        _sweeper = new Sweeper(_rig.Leftovers(_time), new ReferenceFinder(_store, _answers), new SweeperOptions(), _time, NullLogger<Sweeper>.Instance);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task What_a_session_refers_to_stays_and_the_rest_goes_when_it_is_old()
    {
        await ResultAsync(Known, "kept");
        await ResultAsync(Known, "acknowledged");
        await ResultAsync(SessionKey.Parse("default/unknown"), "t1");
        await PartAsync("live");
        await PartAsync("ended");
        _answers.Referenced = ["kept", "live"];
        Assert.Equal(0, (await SweepAsync()).Total.Count); // too young

        _time.Late = TimeSpan.FromHours(2);
        var dry = await SweepAsync(dryRun: true);
        Assert.Equal((3, 2, 5), (dry.Total.Count, dry.Kept, _rig.HiddenFiles().Length));
        var report = await SweepAsync();
        Assert.Equal((new FileTally(2, 8), new FileTally(1, 4), 2), (report.Swept[LeftoverKind.Result], report.Swept[LeftoverKind.Part], report.Kept));
        Assert.Equal(2, _rig.HiddenFiles().Length);
        Assert.Single(_rig.HiddenFiles(), path => path.EndsWith(".kept", StringComparison.Ordinal));
        Assert.Single(_rig.HiddenFiles(), path => path.Contains(".live/", StringComparison.Ordinal));
        Assert.Empty((await SweepAsync()).Swept);
    }

    [Fact]
    public async Task A_kept_part_ends_by_its_age_alone()
    {
        var kept = await _rig.KeepAsync(FilesRig.Files("t1"));
        var age = new FilesOptions().KeptPartAge;
        _time.Late = age;
        await SweepAsync(); // removes the task's own name of it, which nothing refers to
        Assert.Single(_rig.HiddenFiles(), path => path.Contains($"/kept/default/{kept.Id}/", StringComparison.Ordinal));
        _time.Late = age + TimeSpan.FromHours(1.1);
        Assert.Equal(1, (await SweepAsync()).Swept[LeftoverKind.Kept].Count);
        Assert.Empty(_rig.HiddenFiles());
    }

    [Theory]
    [InlineData("unavailable")]
    [InlineData("quarantined")]
    [InlineData("store")]
    public async Task In_doubt_everything_stays(string trouble)
    {
        await ResultAsync(Known, "t1");
        await PartAsync("t2");
        _time.Late = TimeSpan.FromHours(2);
        _answers.Instead = trouble switch
        {
            "unavailable" => new CommandReply.Unavailable(UnavailableReason.Moving, TimeSpan.Zero, "Later."),
            "quarantined" => CommandReply.Refuse(409, ProblemCodes.SessionQuarantined, "Set aside."),
            _ => null,
        };
        if (trouble == "store")
            _store.Failure = new JournalStoreException(StoreFailure.Transient, "The store is away.");
        var report = await SweepAsync();
        Assert.Equal((0, trouble == "store" ? 0 : 2, trouble == "store"), (report.Total.Count, report.Unknown, report.Failure is not null));
        Assert.Equal(2, _rig.HiddenFiles().Length);
    }

    /// <summary>It may be the one that the names mean: a hash says nothing of it.</summary>
    [Fact]
    public async Task While_the_key_of_a_session_cannot_be_read_nothing_of_unknown_sessions_goes()
    {
        var lost = SessionKey.Parse("default/lost");
        await ResultAsync(lost, "t1");
        await ResultAsync(Known, "acknowledged");
        _store.UnreadableKeys.Add("default lost");
        _store.PageRowsMax = 1; // and a page of nothing but such keys is not the end of the list
        _time.Late = TimeSpan.FromHours(2);
        var report = await SweepAsync();
        Assert.Equal((1, 1), (report.Total.Count, report.Unknown));
        _store.UnreadableKeys.Clear();
        Assert.Equal(1, (await SweepAsync()).Total.Count);
    }

    /// <summary>A key that this node cannot read is left out of its page: that page is not the last one for it.</summary>
    [Fact]
    public async Task Sessions_behind_a_short_page_are_found_too()
    {
        _store.Heads.Add(new SessionHead(SessionKey.Parse("default/a"), 0, 1, 1, 1, "active", 1, 0, null));
        _store.PageRowsMax = 1;
        await ResultAsync(Known, "kept");
        await PartAsync("live");
        _answers.Referenced = ["kept", "live"];
        _time.Late = TimeSpan.FromHours(2);
        var report = await SweepAsync();
        Assert.Equal((0, 2), (report.Total.Count, report.Kept));
    }

    /// <summary>Between the question and the unlink a new attempt begins, or a part is adopted: those have other names, or are young.</summary>
    [Fact]
    public async Task What_changed_after_the_question_stays()
    {
        await PartAsync("t1");
        await ResultAsync(Known, "t2");
        _time.Late = TimeSpan.FromHours(2);
        _answers.Meanwhile = () =>
        {
            foreach (var file in _rig.HiddenFiles())
                File.SetLastWriteTimeUtc(file, _time.GetUtcNow().UtcDateTime);
        };
        Assert.Equal(0, (await SweepAsync()).Total.Count);
        Assert.Equal(2, _rig.HiddenFiles().Length);
    }

    [Fact]
    public async Task Names_that_are_not_ours_stay()
    {
        await File.WriteAllTextAsync(_rig.Root.At(".backhaul/results/README"), "Do not remove.", Stop);
        _time.Late = TimeSpan.FromHours(2);
        Assert.Equal((0, 1), (await SweepAsync() is var report ? (report.Total.Count, report.Unknown) : default));
        Assert.Single(_rig.HiddenFiles());
    }

    [Fact]
    public async Task Staging_goes_with_its_process_and_not_before()
    {
        using var other = _rig.Open(); // lives, and has nothing on its way
        var dead = _rig.Root.At(".backhaul/staging/dead");
        Directory.CreateDirectory(dead);
        await File.WriteAllTextAsync(Path.Combine(dead, "1"), "half", Stop);
        await File.WriteAllTextAsync(Path.Combine(dead, "lock"), "", Stop);
        _time.Late = TimeSpan.FromHours(2);
        Assert.Equal(1, (await SweepAsync()).Total.Count);
        Assert.False(Directory.Exists(dead));
        Assert.Equal(2, Directory.GetDirectories(_rig.Root.At(".backhaul/staging")).Length);
        Assert.IsType<StageResult.Stored>(await _rig.StageAsync("a", "still works"));
    }

    [Fact]
    public async Task Uploads_go_when_they_expired_and_nobody_has_them_in_hand()
    {
        var uploads = _rig.Uploads(new FilesOptions { UploadAge = TimeSpan.FromDays(1) }, time: _time);
        var (open, complete) = (KeyOf(1), KeyOf(2));
        foreach (var key in (UploadKey[])[open, complete])
            await uploads.CreateAsync(key, new NewUpload(ContainerPath.Parse("u/a"), 4, null), Stop);
        await uploads.AppendAsync(complete, new UploadAppend { Offset = 0 }, new MemoryStream("0123"u8.ToArray()), Stop);
        await File.WriteAllTextAsync(_rig.Root.At(".backhaul/uploads/default/00000000000000000000000000000003.bytes"), "never told of", Stop);
        _time.Late = TimeSpan.FromHours(2);
        Assert.Equal(1, (await SweepAsync()).Total.Count);
        Assert.IsType<UploadOutcome.Known>(await uploads.FindAsync(open, Stop));

        _time.Late = TimeSpan.FromDays(2);
        Assert.Equal(2, (await SweepAsync()).Total.Count);
        Assert.Empty(_rig.HiddenFiles());
        Assert.Equal("0123", await _rig.ReadAsync("u/a"));
        Assert.IsType<UploadOutcome.NotFound>(await uploads.FindAsync(open, Stop));
    }

    [Fact]
    public async Task One_at_a_time_and_not_again_too_soon()
    {
        using (await _rig.Leftovers(_time).EnterAsync(ContainerName.Default, TimeSpan.Zero, Stop))
            Assert.Null(await _sweeper.SweepAsync(ContainerName.Default, false, TimeSpan.Zero, Stop));
        Assert.NotNull(await _sweeper.SweepAsync(ContainerName.Default, false, TimeSpan.Zero, Stop));
        Assert.Null(await _sweeper.SweepAsync(ContainerName.Default, false, TimeSpan.FromMinutes(10), Stop));
        _time.Late = TimeSpan.FromMinutes(11);
        Assert.NotNull(await _sweeper.SweepAsync(ContainerName.Default, false, TimeSpan.FromMinutes(10), Stop));
    }

    [Fact]
    public async Task Usage_counts_what_lies_where()
    {
        await _rig.StageAsync("a/b", "12345");
        await _rig.StageAsync("c", "1", "other");
        await ResultAsync(Known, "t1");
        await PartAsync("t2");
        var usage = await _rig.Leftovers(_time).MeasureAsync(ContainerName.Default, Stop);
        Assert.Equal((new FileTally(2, 6), new FileTally(1, 4), new FileTally(1, 4), default, default), (usage.Files, usage.Results, usage.Parts, usage.Staging, usage.Uploads));
        var facts = await _rig.Leftovers(_time).DescribeAsync(ContainerName.Default, Stop);
        Assert.Equal(("disk", _rig.Root.Path, false), (facts.Kind, facts.Place, facts.IsShared));
        Assert.True(facts.BytesFree > 0);
    }

    private static UploadKey KeyOf(int number) => new(TenantId.Default, ContainerName.Default, new Guid(number, 0, 0, new byte[8]));

    private async Task<SweepReport> SweepAsync(bool dryRun = false) =>
        (await _sweeper.SweepAsync(ContainerName.Default, dryRun, TimeSpan.Zero, Stop))!;

    private async Task ResultAsync(SessionKey session, string task) => await _rig.Parts.PublishWholeAsync(
        new TaskFiles(session, 1, TaskId.Parse(task), ContainerName.Default, null), FilesRig.Owner(), "0123"u8.ToArray(), null, true, Stop);

    private async Task PartAsync(string task)
    {
        await using var part = await _rig.Parts.CreateAsync(new TaskFiles(Known, 1, TaskId.Parse(task), ContainerName.Default, null), FilesRig.Owner(), null, null, Stop);
        await part.WriteAsync("0123"u8.ToArray(), 0, Stop);
    }

    private sealed class LateClock : TimeProvider
    {
        public TimeSpan Late { get; set; }

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + Late;
    }

    private sealed class Answers : ICommandRouter
    {
        public HashSet<string> Referenced { get; set; } = [];

        public CommandReply? Instead { get; set; }

        public Action? Meanwhile { get; set; }

        public ValueTask<CommandReply> ExecuteAsync(SessionKey session, SessionCommand command, CommandKey? key, TimeSpan deadline, CancellationToken stop)
        {
            Assert.Equal(Known, session);
            var stems = Assert.IsType<SessionCommand.FindReferenced>(command).Stems;
            List<int> places = [.. Enumerable.Range(0, stems.Count).Where(place => Referenced.Contains(stems[place].Task.ToString()))];
            Meanwhile?.Invoke();
            return new(Instead ?? new CommandReply.Done(
                200, JsonSerializer.SerializeToUtf8Bytes(new FileReferences(places, places), FileReferencesJson.Default.FileReferences)));
        }
    }
}
