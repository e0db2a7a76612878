using Xunit;
using Xunit.Sdk;

namespace Backhaul.Store.Tests;

/// <summary>The contract is itself checked: without a fence it must fail, on every store.</summary>
public sealed class MutantTests
{
    public static TheoryData<string, string> Checks()
    {
        var checks = new TheoryData<string, string>();
        foreach (var store in new[] { "memory", "sqlite", "postgres" })
        {
            checks.Add(nameof(StoreContract.E4_in_one_batch_only_the_lost_shard_is_left_out), store);
            checks.Add(nameof(StoreContract.E7_after_a_reacquire_the_old_epoch_writes_nothing_and_the_new_one_reads_everything), store);
            checks.Add(nameof(StoreContract.E10_a_stale_grant_writes_nothing_anywhere), store);
            checks.Add(nameof(StoreContract.A_stale_grant_reads_nothing_either), store);
            checks.Add(nameof(StoreContract.Released_shards_are_nobodys), store);
            checks.Add(nameof(StoreContract.Expired_files_come_earliest_first_until_they_are_forgotten), store);
            checks.Add(nameof(StoreContract.Claims_share_the_fate_of_their_rows), store);
        }

        return checks;
    }

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task A_store_without_a_fence_does_not_pass(string check, string store)
    {
        await using var mutant = new Mutant(store);
        await mutant.InitializeAsync();
        var run = (Task)typeof(StoreContract).GetMethod(check)!.Invoke(mutant, null)!;
        await Assert.ThrowsAnyAsync<XunitException>(() => run);
    }

    private sealed class Mutant(string store) : StoreContract
    {
        private protected override IStoreHarness Create() => new UnfencedStore(store switch
        {
            "sqlite" => new SqliteHarness(),
            "postgres" => new PostgresHarness(),
            _ => new MemoryHarness(),
        });
    }
}
