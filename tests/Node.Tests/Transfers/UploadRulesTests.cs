using Backhaul.Node.Transfers.Uploads.Resumable;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>The rules of resumable uploads against a target made of two numbers, for thousands of histories.</summary>
public sealed class UploadRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>What may go wrong with one request.</summary>
    private enum Trouble
    {
        None,
        LostBefore,
        LostHalfWay,
        LostAfter,
        Forgotten,
        Mismatch,
        MismatchSaysWhere,
        Partial,
        Damaged,
        TooLarge,
        Silent,
        WrongOffset,
        Busy,
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void After_any_history_the_target_has_every_byte_once_and_in_order(bool draft)
    {
        var histories =
            from length in Gen.Choose(0, 2000)
            from chunk in Gen.Choose(1, 700)
            from troubles in Gen.Elements(Enum.GetValues<Trouble>()).ListOf()
            select (length, chunk, troubles.ToList());
        Prop.ForAll(histories.ToArbitrary(), history => Runs(draft, history.length, history.chunk, history.Item3)).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Fact]
    public void An_upload_that_expired_is_not_asked_for_unless_its_last_byte_may_have_arrived()
    {
        var plan = Plan(new TusDialect(null), 10, 5) with { Location = new Uri("http://a/u"), ExpiresAt = Now.AddSeconds(-1) };
        Assert.IsType<UploadStep.Create>(UploadRules.Begin(plan, Now));
        Assert.IsType<UploadStep.Ask>(UploadRules.Begin(plan with { LastInDoubt = true }, Now));
        Assert.IsType<UploadStep.Ask>(UploadRules.Begin(plan with { ExpiresAt = Now.AddSeconds(1) }, Now));
    }

    [Fact]
    public void A_target_that_calls_a_part_of_the_file_complete_has_not_got_the_file()
    {
        var plan = Plan(new DraftDialect(8), 10, 5) with { Location = new Uri("http://a/u") };
        var (asking, step) = UploadRules.Next(plan, new UploadStep.Append(0, 5, Last: false), new TargetReply(ReplyKind.Complete, 200) { IsFinal = true }, null);
        Assert.IsType<UploadStep.Ask>(step);
        var (_, ended) = UploadRules.Next(asking, step, new TargetReply(ReplyKind.Complete, 204) { Offset = 5 }, null);
        Assert.False(Assert.IsType<UploadStep.Fail>(ended).Failure.Retryable);
        Assert.IsType<UploadStep.Done>(UploadRules.Next(asking, step, new TargetReply(ReplyKind.Complete, 204) { Offset = 10 }, null).Step);
        // Its own answer, when it is a refusal, is one at any byte.
        Assert.IsType<UploadStep.Done>(UploadRules.Next(plan, new UploadStep.Append(0, 5, Last: false), new TargetReply(ReplyKind.Complete, 403) { IsFinal = true }, null).Step);
    }

    [Theory]
    [InlineData("max-size=10, min-size=1", 10L, 1L)]
    [InlineData("max-size=10;x=y,other=\"text\"", 10L, null)]
    [InlineData("max-size=ten", null, null)]
    [InlineData("max-size", null, null)]
    [InlineData("", null, null)]
    [InlineData("max-size=99999999999999999999", null, null)]
    [InlineData("max-size=-1", null, null)]
    public void Limits_are_read_as_the_draft_says(string text, long? most, long? least)
    {
        var limits = UploadLimits.Parse(text);
        Assert.Equal((most, least), (limits?.MaxSize, limits?.MinSize));
    }

    [Theory]
    [InlineData(8, "Upload-Complete", "?0", "application/partial-upload")]
    [InlineData(6, "Upload-Complete", "?0", "application/partial-upload")]
    [InlineData(5, "Upload-Complete", "?0", "application/octet-stream")]
    [InlineData(3, "Upload-Incomplete", "?1", "application/octet-stream")]
    public void Each_interop_version_says_in_its_own_words_that_more_will_follow(int version, string name, string value, string type)
    {
        var headers = new DraftDialect(version).Append(7, last: false, 10, null);
        Assert.Contains((name, value), headers);
        Assert.Contains(("Content-Type", type), headers);
        Assert.Contains(("Upload-Offset", "7"), headers);
    }

    [Fact]
    public void Old_versions_are_tried_one_after_the_other()
    {
        List<int> tried = [];
        for (IUploadDialect? dialect = new DraftDialect(8); dialect is not null; dialect = dialect.Simpler(UploadVerb.Create))
            tried.Add(dialect.DraftVersion!.Value);
        Assert.Equal([8, 7, 6, 5, 3], tried);
    }

    private static UploadPlan Plan(IUploadDialect dialect, long length, long chunk) => new()
    {
        Dialect = dialect,
        Length = length,
        MustNotRepeat = true,
        ChunkBytes = chunk,
        Origin = "target:80",
    };

    /// <summary>Attempt after attempt until it is done; each begins with what the last one journaled.</summary>
    private static bool Runs(bool draft, long length, long chunk, List<Trouble> troubles)
    {
        var target = new Target(draft, length);
        IUploadDialect dialect = draft ? new DraftDialect(8) : new TusDialect("sha1");
        Uri? saved = null;
        var next = 0;
        for (var attempt = 0; attempt < troubles.Count + 5; attempt++)
        {
            var plan = Plan(dialect, length, chunk) with { Location = saved };
            var step = UploadRules.Begin(plan, Now);
            for (var steps = 0; steps < 5000; steps++)
            {
                if (step is UploadStep.Done)
                    return target.IsRight;
                if (step is UploadStep.Fail or UploadStep.Status)
                    break;
                var trouble = next < troubles.Count ? troubles[next++] : Trouble.None;
                if (target.Answer(step, trouble) is not { } reply)
                    break; // the connection broke: the attempt ends, and the next one asks
                (plan, step) = UploadRules.Next(plan, step, reply, reply.Kind is ReplyKind.Created ? new Uri(reply.Location!) : null);
                saved = plan.Location;
            }
        }
        return false;
    }

    /// <summary>Bytes are numbered; the target takes only the one that comes next, so that a gap or a repetition cannot go unseen.</summary>
    private sealed class Target(bool draft, long length)
    {
        private long _has;
        private bool _whole;
        private int _created;

        public bool IsThere { get; private set; }

        public bool IsRight => _has == length && (!draft || _whole);

        public TargetReply? Answer(UploadStep step, Trouble trouble)
        {
            if (trouble is Trouble.LostBefore)
                return null;
            switch (step)
            {
                case UploadStep.Create:
                    (IsThere, _has, _whole) = (true, 0, false);
                    return trouble is Trouble.LostAfter ? null : new TargetReply(ReplyKind.Created, 201) { Location = $"http://target/{++_created}" };
                case UploadStep.Ask:
                    if (!IsThere)
                        return new TargetReply(ReplyKind.Gone, 404);
                    return _whole && draft ? new TargetReply(ReplyKind.Complete, 204) : new TargetReply(ReplyKind.Offset, 200) { Offset = _has, Length = length };
                case UploadStep.Append append:
                    return Append(append, trouble);
                default:
                    throw new InvalidOperationException();
            }
        }

        private TargetReply? Append(UploadStep.Append append, Trouble trouble)
        {
            if (trouble is Trouble.Forgotten && !append.Last)
                IsThere = false;
            if (!IsThere)
                return new TargetReply(ReplyKind.Gone, 410);
            if (append.From != _has || trouble is Trouble.Mismatch)
                return new TargetReply(ReplyKind.Mismatch, 409);
            if (trouble is Trouble.MismatchSaysWhere)
                return new TargetReply(ReplyKind.Mismatch, 409) { Offset = _has };
            if (trouble is Trouble.Damaged)
                return new TargetReply(ReplyKind.Damaged, 460);
            if (trouble is Trouble.TooLarge)
                return new TargetReply(ReplyKind.TooLarge, 413);
            if (trouble is Trouble.Busy)
                return new TargetReply(ReplyKind.Locked, 423);
            var taken = trouble is Trouble.Partial or Trouble.LostHalfWay ? append.Count / 2 : append.Count;
            _has += taken;
            _whole |= append.Last && taken == append.Count;
            if (trouble is Trouble.LostHalfWay or Trouble.LostAfter)
                return null;
            if (_whole && draft)
                return new TargetReply(ReplyKind.Complete, 200) { IsFinal = true };
            return trouble switch
            {
                Trouble.Silent => new TargetReply(ReplyKind.Senseless, 204),
                Trouble.WrongOffset => new TargetReply(ReplyKind.Offset, 204) { Offset = _has + 1_000_000 },
                _ => new TargetReply(ReplyKind.Offset, 204) { Offset = _has },
            };
        }
    }
}
