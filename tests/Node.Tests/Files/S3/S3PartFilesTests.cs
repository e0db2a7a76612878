using Backhaul.Node.Files;
using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Node.Tests.Files.S3;

public sealed class S3PartFilesTests : IAsyncLifetime
{
    private FakeS3 _store = null!;
    private S3Rig _rig = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await FakeS3.StartAsync();
        _store.PartBytesMin = S3Rig.PartBytes;
        _rig = new S3Rig(_store.Url);
    }

    public async ValueTask DisposeAsync()
    {
        _rig.Dispose();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task A_long_file_goes_in_parts_of_one_size_and_appears_at_its_end()
    {
        var bytes = S3Rig.Bytes(3500);
        await using var part = await CreateAsync(3500);
        await WriteAsync(part, bytes, 0, chunk: 300);
        Assert.Empty(Visible);
        var view = await part.PublishAsync(3500, "ab", flush: true, Stop);

        Assert.Equal(("default", "out/a.bin", 3500, "ab"), (view.Container, view.Path, view.Length, view.Sha256));
        Assert.Equal(bytes, _store.Content("in/default/out/a.bin"));
        Assert.Equal([1, 2, 3, 4], PartsSent().Order());
        Assert.Empty(_store.OpenUploads);
        Assert.Equal(["in/default/out/a.bin"], _store.Keys); // the note is gone too
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    public async Task A_file_of_one_part_is_put_at_once(int length)
    {
        var bytes = S3Rig.Bytes(length);
        await using var part = await CreateAsync(length);
        await WriteAsync(part, bytes, 0, chunk: 300);
        await part.PublishAsync(length, null, flush: true, Stop);

        Assert.Equal(bytes, _store.Content("in/default/out/a.bin"));
        Assert.Equal("PUT", Assert.Single(_store.Calls).Method);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(999)]
    [InlineData(1000)]
    [InlineData(2500)]
    public async Task A_file_of_unknown_length_is_right_too(int length)
    {
        var bytes = S3Rig.Bytes(length);
        await using var part = await CreateAsync(null);
        await WriteAsync(part, bytes, 0, chunk: 300);
        await part.PublishAsync(length, null, flush: true, Stop);
        Assert.Equal(bytes, _store.Content("in/default/out/a.bin"));
        Assert.Empty(_store.OpenUploads);
    }

    [Fact]
    public async Task Parts_written_out_of_order_make_the_same_file()
    {
        var bytes = S3Rig.Bytes(5200);
        await using var part = await CreateAsync(5200);
        foreach (var from in new[] { 4100, 2050, 0 })
            await WriteAsync(part, bytes.AsMemory(from, Math.Min(2050, 5200 - from)).ToArray(), from, chunk: 170);
        await WriteAsync(part, bytes.AsMemory(4100).ToArray(), 4100, chunk: 170);
        await part.PublishAsync(5200, null, flush: true, Stop);
        Assert.Equal(bytes, _store.Content("in/default/out/a.bin"));
        Assert.Equal([1, 2, 3, 4, 5, 6], PartsSent().Order());
    }

    [Fact]
    public async Task Only_whole_parts_are_durable_and_another_owner_goes_on_after_them_with_the_same_upload()
    {
        var bytes = S3Rig.Bytes(3500);
        var checkpoint = await InterruptAsync(bytes, 2300);
        Assert.Equal(2000, checkpoint.Bytes);
        Assert.Equal([1, 2], checkpoint.Object!.Parts.Select(part => part.Number));
        var upload = Assert.Single(_store.OpenUploads);

        await using var part = await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(4, 2), checkpoint, Stop);
        Assert.Equal(RangeSet.Of(0, 2000), part!.Held);
        await WriteAsync(part, bytes[2000..], 2000, chunk: 600);
        await part.PublishAsync(3500, null, flush: true, Stop);

        Assert.Equal(bytes, _store.Content("in/default/out/a.bin"));
        Assert.Equal([upload], _store.Calls.Where(call => call.IsPart).Select(call => call.Query["uploadId"]).Distinct());
        Assert.Equal([1, 2, 3, 4], PartsSent().Order());
        Assert.Equal(["in/default/out/a.bin"], _store.Keys);
    }

    [Fact]
    public async Task Parts_that_were_finished_after_the_checkpoint_are_found_again()
    {
        var bytes = S3Rig.Bytes(4500);
        var checkpoint = await InterruptAsync(bytes, 4500);
        var early = checkpoint with { Bytes = 1000, Object = checkpoint.Object! with { Parts = [checkpoint.Object.Parts[0]] } };
        await using var part = await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(4, 2), early, Stop);
        Assert.Equal(RangeSet.Of(0, 4500), part!.Held);
    }

    [Fact]
    public async Task A_finished_upload_is_recognised_and_not_fetched_again()
    {
        var bytes = S3Rig.Bytes(2500);
        var complete = await CompleteAsync(bytes);
        await using (var part = await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(4, 2), complete, Stop))
            await part!.PublishAsync(2500, null, flush: true, Stop);

        var found = await _rig.Parts.FindPublishedAsync(FilesRig.Files(), 5, complete, Stop);
        Assert.Equal(2500, found!.Length);
        _store.Put("in/default/out/a.bin", bytes); // the same bytes, put by somebody else
        Assert.Null(await _rig.Parts.FindPublishedAsync(FilesRig.Files(), 5, complete, Stop));
    }

    /// <summary>What a prefetch round goes by before it leaves a file as it is.</summary>
    [Fact]
    public async Task A_file_is_the_same_until_somebody_puts_another_in_its_place()
    {
        await _rig.Parts.PublishWholeAsync(FilesRig.Files(), FilesRig.Owner(), S3Rig.Bytes(500), null, flush: true, Stop);
        var first = await IdentityAsync();
        Assert.Equal((first, 500L), (await IdentityAsync(), first!.Length));
        _store.Put("in/default/out/a.bin", S3Rig.Bytes(500, seed: 2));
        Assert.NotEqual(first, await IdentityAsync());
        await _rig.Parts.DiscardAsync(FilesRig.Files(), 5, resultToo: false, Stop);
        Assert.NotNull(await IdentityAsync());

        async Task<FileIdentity?> IdentityAsync()
        {
            var files = FilesRig.Files();
            await using var file = await _rig.Parts.OpenSourceAsync(files.Session.Tenant, files.Container, files.Destination!.Value, Stop);
            return file?.Identity;
        }
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(500, true)]
    [InlineData(503, true)]
    [InlineData(503, false)]
    public async Task An_end_whose_answer_got_lost_counts_once(int status, bool hasEffect)
    {
        var times = 0;
        _store.OnCall = call => call.IsComplete && ++times == 1 ? new FakeFault(status, "InternalError", hasEffect) : null;
        var bytes = S3Rig.Bytes(2500);
        await using var part = await CreateAsync(2500);
        await WriteAsync(part, bytes, 0, chunk: 500);
        await part.PublishAsync(2500, null, flush: true, Stop);
        Assert.Equal(bytes, _store.Content("in/default/out/a.bin"));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(503, false)]
    [InlineData(500, true)]
    public async Task A_part_whose_answer_got_lost_is_sent_again(int status, bool hasEffect)
    {
        var failed = new HashSet<int>();
        _store.OnCall = call => call.IsPart && failed.Add(call.PartNumber) ? new FakeFault(status, "SlowDown", hasEffect) : null;
        var bytes = S3Rig.Bytes(2500);
        await using var part = await CreateAsync(2500);
        await WriteAsync(part, bytes, 0, chunk: 500);
        await part.PublishAsync(2500, null, flush: true, Stop);
        Assert.Equal(bytes, _store.Content("in/default/out/a.bin"));
        Assert.Equal(6, PartsSent().Count);
    }

    [Fact]
    public async Task An_upload_that_is_gone_means_that_the_file_is_fetched_again()
    {
        var checkpoint = await InterruptAsync(S3Rig.Bytes(3500), 2300);
        _store.ForgetUploads();
        Assert.Null(await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(4, 2), checkpoint, Stop));

        await using var part = await _rig.Parts.CreateAsync(FilesRig.Files(), FilesRig.Owner(4, 2), 3500, null, Stop);
        await WriteAsync(part, S3Rig.Bytes(1500), 0, chunk: 500);
        await part.FlushAsync(RangeSet.Of(0, 1500), Stop);
        _store.ForgetUploads();
        await WriteAsync(part, S3Rig.Bytes(500), 1500, chunk: 500);
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await part.FlushAsync(RangeSet.Of(0, 2000), Stop));
        Assert.Equal(StorageFailure.Failed, refused.Failure);
    }

    [Fact]
    public async Task A_store_that_is_away_keeps_what_is_durable()
    {
        await using var part = await CreateAsync(3500);
        await WriteAsync(part, S3Rig.Bytes(1000), 0, chunk: 500);
        await part.FlushAsync(RangeSet.Of(0, 1000), Stop);
        _store.OnCall = _ => new FakeFault(503, "SlowDown");
        await WriteAsync(part, S3Rig.Bytes(1000), 1000, chunk: 500);
        var flush = await part.FlushAsync(RangeSet.Of(0, 2000), Stop);
        Assert.Equal(RangeSet.Of(0, 1000), flush.Durable);
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await part.WriteAsync(new byte[10], 2000, Stop));
        Assert.Equal(StorageFailure.Away, refused.Failure);
    }

    [Fact]
    public async Task An_older_owner_s_late_part_changes_a_tag_and_no_byte()
    {
        var bytes = S3Rig.Bytes(2500);
        var complete = await CompleteAsync(bytes);
        await using var part = await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(4, 2), complete, Stop);
        _store.Resend(Assert.Single(_store.OpenUploads), 2, bytes[1000..2000], "\"another\"");
        await part!.PublishAsync(2500, null, flush: true, Stop);
        Assert.Equal(bytes, _store.Content("in/default/out/a.bin"));
    }

    [Fact]
    public async Task An_older_owner_s_late_short_part_does_not_become_part_of_the_file()
    {
        var bytes = S3Rig.Bytes(2500);
        var complete = await CompleteAsync(bytes);
        await using var part = await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(4, 2), complete, Stop);
        _store.Resend(Assert.Single(_store.OpenUploads), 3, bytes[2000..2200], "\"another\"");
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await part!.PublishAsync(2500, null, flush: true, Stop));
        Assert.Equal(StorageFailure.Failed, refused.Failure);
        Assert.Empty(Visible);
    }

    [Fact]
    public async Task An_owner_of_an_older_epoch_neither_takes_nor_removes_the_upload()
    {
        var checkpoint = await InterruptAsync(S3Rig.Bytes(3500), 2300);
        await using var newer = await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(5, 2), checkpoint, Stop);
        await Assert.ThrowsAsync<StorageException>(async () => await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(4, 2), checkpoint, Stop));
        await _rig.Parts.DiscardAsync(FilesRig.Files(), 4, resultToo: true, Stop);
        Assert.Single(_store.OpenUploads);
        await using var older = await CreateAsync(3500);
        await Assert.ThrowsAsync<StorageException>(async () =>
        {
            // Parts are sent while more is written: the refusal is told by whichever call comes after it.
            await WriteAsync(older, S3Rig.Bytes(1500), 0, chunk: 500);
            await older.FlushAsync(RangeSet.Of(0, 1500), Stop);
        });
        Assert.Single(_store.OpenUploads);
    }

    [Fact]
    public async Task Without_trust_nothing_more_is_sent()
    {
        var trusted = true;
        await using var part = await _rig.Parts.CreateAsync(FilesRig.Files(), FilesRig.Owner(mayAct: () => trusted), 3500, null, Stop);
        await WriteAsync(part, S3Rig.Bytes(1000), 0, chunk: 500);
        await part.FlushAsync(RangeSet.Of(0, 1000), Stop);
        trusted = false;
        await WriteAsync(part, S3Rig.Bytes(1000), 1000, chunk: 500);
        await part.FlushAsync(RangeSet.Of(0, 2000), Stop);
        Assert.Equal([1], PartsSent());
        await Assert.ThrowsAsync<OwnershipLostException>(async () => await part.PublishAsync(3500, null, flush: true, Stop));
    }

    /// <summary>Between a request and its repetition a lease may run out: the pauses and the time limits of a store that is away are long.</summary>
    [Theory]
    [InlineData("part")]
    [InlineData("begin")]
    [InlineData("complete")]
    [InlineData("put")]
    [InlineData("small")]
    public async Task Trust_that_ends_after_the_first_try_leaves_it_at_that(string what)
    {
        var (trusted, tries) = (true, 0);
        var owner = FilesRig.Owner(mayAct: () => trusted);
        _store.OnCall = call =>
        {
            if (!(what switch { "part" => call is { IsPart: true, PartNumber: 1 }, "begin" => call.IsBegin, "complete" => call.IsComplete, _ => call.Method == "PUT" }))
                return null;
            (trusted, tries) = (false, tries + 1);
            return new FakeFault(503, "SlowDown");
        };
        var bytes = S3Rig.Bytes(what is "put" or "small" ? 500 : 1500); // of two parts the second is sent at the end, which waits for both
        await Assert.ThrowsAsync<OwnershipLostException>(async () =>
        {
            if (what == "small")
                await _rig.Parts.PublishWholeAsync(FilesRig.Files(), owner, bytes, null, flush: true, Stop);
            await using var part = await _rig.Parts.CreateAsync(FilesRig.Files(), owner, bytes.Length, null, Stop);
            await WriteAsync(part, bytes, 0, chunk: 500);
            await part.PublishAsync(bytes.Length, null, flush: true, Stop);
        });
        Assert.Equal(1, tries);
        Assert.Empty(Visible);
    }

    [Fact]
    public async Task The_first_part_at_the_store_asks_for_a_checkpoint_and_an_adopted_upload_has_one()
    {
        var bytes = S3Rig.Bytes(3500);
        await using (var part = await CreateAsync(3500))
        {
            await WriteAsync(part, bytes[..900], 0, chunk: 300);
            Assert.False(part.FirstDurable!.IsCompleted);
            await WriteAsync(part, bytes[900..1100], 900, chunk: 100);
            await part.FirstDurable.WaitAsync(TimeSpan.FromSeconds(60), Stop);
        }
        var checkpoint = await InterruptAsync(bytes, 2300);
        await using var adopted = await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(4, 2), checkpoint, Stop);
        Assert.Null(adopted!.FirstDurable);
    }

    [Fact]
    public async Task A_discarded_task_leaves_neither_upload_nor_note_nor_result()
    {
        await InterruptAsync(S3Rig.Bytes(3500), 2300);
        await _rig.Parts.DiscardAsync(FilesRig.Files(), 3, resultToo: true, Stop);
        Assert.Empty(_store.OpenUploads);
        Assert.Empty(_store.Keys);

        var temporary = FilesRig.Files(destination: null);
        await _rig.Parts.PublishWholeAsync(temporary, FilesRig.Owner(), "hello"u8.ToArray(), null, flush: true, Stop);
        Assert.StartsWith("in/.backhaul/results/", Assert.Single(_store.Keys), StringComparison.Ordinal);
        await _rig.Parts.DiscardAsync(temporary, 3, resultToo: true, Stop);
        Assert.Empty(_store.Keys);
    }

    [Fact]
    public async Task A_start_from_zero_is_another_upload_and_the_first_is_aborted()
    {
        await InterruptAsync(S3Rig.Bytes(3500), 2300);
        var first = Assert.Single(_store.OpenUploads);
        await using var part = await _rig.Parts.CreateAsync(FilesRig.Files(), FilesRig.Owner(4), 3500, null, Stop);
        await WriteAsync(part, S3Rig.Bytes(3500, seed: 2), 0, chunk: 500);
        await part.PublishAsync(3500, null, flush: true, Stop);
        Assert.Equal(S3Rig.Bytes(3500, seed: 2), _store.Content("in/default/out/a.bin"));
        Assert.Empty(_store.OpenUploads);
        Assert.Contains(_store.Calls, call => call.Method == "DELETE" && call.Query.GetValueOrDefault("uploadId") == first);
    }

    private IEnumerable<string> Visible => _store.Keys.Where(key => !key.Contains(".backhaul", StringComparison.Ordinal));

    private List<int> PartsSent() => [.. _store.Calls.Where(call => call.IsPart).Select(call => call.PartNumber)];

    private ValueTask<IPartFile> CreateAsync(long? length) => _rig.Parts.CreateAsync(FilesRig.Files(), FilesRig.Owner(), length, null, Stop);

    private static async Task WriteAsync(IPartFile part, byte[] bytes, long offset, int chunk)
    {
        for (var at = 0; at < bytes.Length; at += chunk)
            await part.WriteAsync(bytes.AsMemory(at, Math.Min(chunk, bytes.Length - at)), offset + at, Stop);
    }

    /// <summary>Writes so much of a file, journals a checkpoint and dies.</summary>
    private async Task<PartCheckpoint> InterruptAsync(byte[] bytes, int written)
    {
        await using var part = await CreateAsync(bytes.Length);
        await WriteAsync(part, bytes[..written], 0, chunk: 300);
        var flush = await part.FlushAsync(RangeSet.Of(0, written), Stop);
        return new PartCheckpoint { Part = part.Name, Bytes = flush.Durable.Prefix, Total = bytes.Length, Validator = "\"v\"", Object = flush.Object };
    }

    /// <summary>Writes a whole file, journals that it is complete, and dies.</summary>
    private async Task<PartCheckpoint> CompleteAsync(byte[] bytes)
    {
        await using var part = await CreateAsync(bytes.Length);
        await WriteAsync(part, bytes, 0, chunk: 300);
        var identity = await part.IdentifyAsync(Stop);
        var flush = await part.FlushAsync(RangeSet.Of(0, bytes.Length), Stop);
        Assert.Equal(RangeSet.Of(0, bytes.Length), flush.Durable);
        return new PartCheckpoint
        {
            Part = part.Name,
            Bytes = bytes.Length,
            Total = bytes.Length,
            Validator = "\"v\"",
            Complete = true,
            Identity = identity,
            Object = flush.Object,
        };
    }
}
